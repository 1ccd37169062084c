"""What LangGraph Studio and the LangGraph server open: each file builds one graph."""
