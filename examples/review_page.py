"""The page where experts teach a judge, in a FastAPI application behind its login.

`uvicorn --app-dir examples review_page:app`, then open /login/ann there."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from fastapi import FastAPI, Request
from fastapi.responses import RedirectResponse
from fastapi.testclient import TestClient

from langchain_memalign import Case, MemAlignJudge, Memory
from langchain_memalign.web import LocalWaiting, Person, WaitingCase, create_page

PEOPLE = {"ann": Person(id="ann", name="Ann Becker", is_lead=True)}
CASE = Case(inputs="My parcel is a week late!", outputs="It comes tomorrow.")

memory = Memory.open("./memory", embeddings="local")
judge = MemAlignJudge(
    name="support_tone",
    instructions="Is the reply appropriate for an upset customer?",
    value_type=bool,
    model="precedent",
    memory=memory,
)
page = create_page(
    judge,
    waiting=LocalWaiting([WaitingCase("t1", "T-1", CASE)], reviews=Path("reviews.sqlite")),
    identify=lambda request: PEOPLE.get(request.cookies.get("who", "")),
)


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    yield
    page.close()
    memory.close()


app = FastAPI(lifespan=lifespan)
app.mount("/review", page)


@app.get("/login/{name}")
def login(name: str, request: Request) -> RedirectResponse:  # put a real login here
    answer = RedirectResponse(f"{request.base_url}review/queue")
    answer.set_cookie("who", name, httponly=True, samesite="strict")
    return answer


if __name__ == "__main__":
    with TestClient(app) as client:
        print("nobody:", client.get("/review/queue").status_code)
        print("ann:   ", "a week late" in client.get("/login/ann").text)

# Output:
# nobody: 403
# ann:    True
