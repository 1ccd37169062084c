"""What an experiment cost."""

import pytest

from langchain_memalign import InvalidInputError
from langchain_memalign.evaluation.cost import Price, read_prices, spent
from langchain_memalign.evaluation.trials import Condition, Judgement, Training


def row(**usage):
    told = {"total_tokens": 0, **usage} if usage else None
    return Judgement(
        setting=Condition(), split="unseen", id="1", expert=True, model_calls=1, usage=told
    )


def test_the_provider_s_cache_is_priced_apart():
    cached = row(input_tokens=1000, output_tokens=10, input_token_details={"cache_read": 600})
    price = Price(input=2.0, cached_input=0.5, output=8.0)
    found = spent([cached], [Training(id="x", setting=Condition(), embedded=4)], price)
    assert (found.cached_tokens, found.embedded) == (600, 4)
    assert found.dollars == pytest.approx((400 * 2.0 + 600 * 0.5 + 10 * 8.0) / 1e6)


def test_what_was_not_counted_has_no_price_unless_it_is_free():
    assert spent([row()], [], Price(input=1, output=1)).dollars is None
    assert spent([row()], [], Price(input=1, output=1)).uncounted == 1
    assert spent([row()], [], read_prices()["precedent"]).dollars == 0


def test_users_replace_the_table(tmp_path):
    path = tmp_path / "prices.json"
    path.write_text('{"models": {"mine": {"input": 0.1, "output": 0.2}}}')
    assert read_prices(path) == {"mine": Price(input=0.1, output=0.2)}


@pytest.mark.parametrize(
    "models",
    [
        '{"mine": {"input": -1, "output": 1}}',
        '{"mine": {"input": Infinity, "output": 1}}',
        '{"mine": {"input": NaN, "output": 1}}',
        '{"mine": {"input": true, "output": 1}}',
        '{"mine": {"input": "0.1", "output": 1}}',
        '{"mine": {"output": 1}}',
        '{"mine": 1}',
        "[]",
        '{"mine": ',
    ],
)
def test_a_table_that_is_none_is_refused(tmp_path, models):
    path = tmp_path / "prices.json"
    path.write_text(f'{{"models": {models}}}')
    with pytest.raises(InvalidInputError, match="dollars per million tokens"):
        read_prices(path)
