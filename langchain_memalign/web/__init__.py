"""The page where experts teach the judge: in a browser, by `memalign web`, or mounted."""

from langchain_memalign.reviews.wording import Wording
from langchain_memalign.web.app import Page, create_page
from langchain_memalign.web.people import Person
from langchain_memalign.web.waiting import LocalWaiting, Waiting, WaitingCase

__all__ = ["LocalWaiting", "Page", "Person", "Waiting", "WaitingCase", "Wording", "create_page"]
