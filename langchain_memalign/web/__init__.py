"""The page where experts teach the judge: in a browser, by `memalign web`, or mounted."""

from langchain_memalign.web.app import create_page
from langchain_memalign.web.people import Person
from langchain_memalign.web.waiting import LocalWaiting, Waiting, WaitingCase
from langchain_memalign.web.wording import Wording

__all__ = ["LocalWaiting", "Person", "Waiting", "WaitingCase", "Wording", "create_page"]
