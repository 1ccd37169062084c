"""`python -m langchain_memalign.cli`."""

from langchain_memalign.cli import main

main()
