"""The file that describes a judge."""

import pytest
from langchain_core.language_models import BaseChatModel

from langchain_memalign import ConfigurationError, Memory
from langchain_memalign._values.types import ValueType
from langchain_memalign.cli import objects
from langchain_memalign.cli.judge_file import load_judge_file

KEY = "tell-nobody-1234"


def value_type(shell, written):
    shell.configure("value_type: bool", f"value_type: {written}")
    return load_judge_file(shell.folder / "judge.yaml").value_type


@pytest.mark.parametrize(
    ("written", "schema"),
    [
        ("bool", {"type": "boolean"}),
        ("[yes, no]", {"type": "boolean"}),  # as YAML reads it
        ("1-5", {"type": "integer", "minimum": 1, "maximum": 5}),
        ("-2 to 2", {"type": "integer", "minimum": -2, "maximum": 2}),
        ("0.0-1.0", {"type": "number", "minimum": 0.0, "maximum": 1.0}),
        ("0..1.5", {"type": "number", "minimum": 0.0, "maximum": 1.5}),
        ("[good, bad]", {"type": "string", "enum": ["good", "bad"]}),
        ("[A, B, tie]", {"type": "string", "enum": ["A", "B", "tie"]}),
        ("{enum: [1, 2, 5]}", {"type": "integer", "enum": [1, 2, 5]}),
        (
            "{type: integer, minimum: 0, maximum: 3}",
            {"type": "integer", "minimum": 0, "maximum": 3},
        ),
    ],
)
def test_value_types_have_short_forms(shell, written, schema):
    assert value_type(shell, written) == ValueType.parse(schema)


@pytest.mark.parametrize("written", ["text", "5-1", "5", "[one]", "{type: string}", "null", "1-"])
def test_what_no_judge_can_give_is_refused(shell, written):
    with pytest.raises(ConfigurationError, match=r"judge\.yaml: value_type: .*found.*expected"):
        value_type(shell, written)


def test_an_unknown_key_is_refused_with_the_known_ones(shell):
    shell.configure("model:", "modle:")
    line = shell.error("principles")
    assert "'modle' (did you mean 'model'?)" in line
    assert "name, instructions, value_type, model, embeddings, memory, k," in line


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("name: tone", "", "name: is missing"),
        ("name: tone", "name: ''", "name: found nothing"),
        ("name: tone", "name: 5", "name: Input should be a valid string"),
        ("model: precedent", "model: precedent\nk: -1", "k: Input should be greater"),
        ("model: precedent", "model: precedent\nk: true", "k: Input should be a valid integer"),
        ("model: precedent", "model: ${MODEL}", "model.name: found '${'"),
        ("model: precedent", "model: {base_url: x}", "name"),
        ("model: precedent", f"model: {{name: 'openai:x', api_key: {KEY}}}", "environment"),
        ("memory: ./memory", "memory: {place: x}", "location, api_key, timeout, collection"),
        ("memory: ./memory", "memory: 's3://bucket'", "memory.location: found an address that"),
        ("memory: ./memory", "memory: 'C:\\mem'", "memory.location: found 'C:"),
        ("memory: ./memory", "review: sometimes", "'always', 'uncertain' or 'never'"),
        ("name: tone", "name: [", "this is not valid YAML"),
    ],
)
def test_each_problem_names_its_key(shell, old, new, problem):
    shell.configure(old, new)
    line = shell.error("principles")
    assert "judge.yaml: " in line
    assert problem in line
    assert KEY not in line


@pytest.mark.parametrize("text", ["", "- a\n- b\n", "just text"])
def test_a_file_without_keys_is_refused(shell, text):
    shell.write("judge.yaml", text)
    assert "expected keys and values: name, instructions" in shell.error("principles")


def test_without_a_judge_file_the_remedy_is_told(shell):
    (shell.folder / "judge.yaml").unlink()
    assert "memalign init" in shell.error("principles")
    assert "memalign init other.yaml" in shell.error("principles", "--judge", "other.yaml")


def test_paths_are_relative_to_the_file(shell, tmp_path_factory, monkeypatch):
    monkeypatch.chdir(tmp_path_factory.mktemp("elsewhere"))
    shell("principles", "add", "Be kind.", "--judge", shell.folder / "judge.yaml")
    assert (shell.folder / "memory").is_dir()
    assert [p["text"] for p in shell.json("principles", "-j", shell.folder / "judge.yaml")] == [
        "Be kind."
    ]


def test_toml_says_the_same(shell, monkeypatch):
    (shell.folder / "judge.yaml").unlink()
    shell.write(
        "judge.toml",
        'name = "tone"\ninstructions = "Kind?"\nvalue_type = ["good", "bad"]\n'
        'model = "precedent"\nmemory = "m"\n',
    )
    shell("principles", "add", "Be kind.")
    assert (shell.folder / "m").is_dir()
    monkeypatch.setenv("MEMALIGN_JUDGE", "judge.toml")
    assert len(shell.json("principles")) == 1


def test_the_key_of_a_memory_comes_from_the_environment_and_is_never_shown(shell, monkeypatch):
    opened = {}

    def refuse(location, **options):
        opened.update(options, location=location)
        raise ConfigurationError(f"no server; was given {options}")

    monkeypatch.setattr(objects.Memory, "open", refuse)
    shell.configure(
        "./memory",
        "{location: 'https://q.example:6333', api_key: '${MY_KEY}', timeout: 3, collection: c}",
    )
    assert "MY_KEY is not set" in shell.error("principles")
    monkeypatch.setenv("MY_KEY", KEY)
    line = shell.error("principles")
    assert opened["location"] == "https://q.example:6333"
    assert opened["api_key"].get_secret_value() == KEY
    assert (opened["timeout"], opened["collection"]) == (3, "c")
    assert KEY not in line
    assert KEY not in repr(load_judge_file(shell.folder / "judge.yaml"))


def test_what_calls_no_model_needs_no_key_for_it(shell):
    shell.configure("model: precedent", "model: openai:gpt-4.1-mini")
    with Memory.open(shell.folder / "memory", embeddings="local"):
        pass
    shell("principles", "add", "Be kind.")
    shell("principles")
    shell("episodes")
    shell("export", "out.jsonl")
    shell("forget", "--reviewer", "ann", "--no-redistill", "--yes")
    assert "OPENAI_API_KEY" in shell.error("judge", "--inputs", "a")


def test_a_model_takes_options(shell, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    shell.configure(
        "model: precedent",
        "model: {name: 'openai:mine', base_url: 'http://127.0.0.1:8080/v1', temperature: 0}",
    )
    model = objects.chat_model(load_judge_file(shell.folder / "judge.yaml").model)
    assert isinstance(model, BaseChatModel)
    assert model.model_name == "mine"
    assert model.openai_api_base == "http://127.0.0.1:8080/v1"
    assert model.temperature == 0


@pytest.mark.parametrize(
    ("model", "problem"),
    [
        ("{name: precedent, temperature: 0}", "takes no options, found temperature"),
        ("{name: 'openai:mine', temperature: 0}", "set the provider's key in the environment"),
        ("{name: 'nowhere:mine', temperature: 0}", "init_chat_model takes"),
        ("{name: 'openai:mine', colour: blue, options: {}}", "expected some of name, options"),
    ],
)
def test_options_that_a_model_does_not_take_are_told(shell, model, problem):
    shell.configure("model: precedent", f"model: {model}")
    assert problem in shell.error("judge", "--inputs", "a")


def test_embeddings_need_their_key_once_they_are_called(shell):
    shell.configure("embeddings: local", "embeddings: openai:text-embedding-3-small")
    assert "key" in shell.error("principles", "add", "Be kind.")
    assert shell.json("principles") == []


@pytest.mark.parametrize("name", ["judge2.yaml", "judge2.toml"])
def test_init_writes_a_file_that_works(shell, name):
    shell("init", name, "--name", 'a "quoted" näme', "--value-type", "good, bad", "--memory", "m2")
    file = load_judge_file(shell.folder / name)
    assert file.name == 'a "quoted" näme'
    assert file.value_type.labels == ("good", "bad")
    assert "#" in (shell.folder / name).read_text(encoding="utf-8")
    result = shell("judge", "--inputs", "a", "--judge", name, "--json", code=1)  # nothing known yet
    assert "unscored" in result.stdout


def test_init_never_overwrites(shell):
    before = (shell.folder / "judge.yaml").read_text()
    assert "already" in shell.error("init")
    assert (shell.folder / "judge.yaml").read_text() == before


def test_init_writes_nothing_that_cannot_be_read(shell):
    assert "value_type" in shell.error("init", "new.yaml", "--value-type", "vague")
    assert not (shell.folder / "new.yaml").exists()


@pytest.mark.parametrize(
    "written",
    [
        "value_meanings: {true: appropriate, no: not appropriate}\nquestion: Fit to send?\n",
        'value_meanings:\n  "true": appropriate\n  N: not appropriate\nquestion: Fit to send?\n',
    ],
)
def test_values_may_have_meanings_and_people_a_question(shell, written):
    shell.configure("value_type: bool\n", f"value_type: bool\n{written}")
    file = load_judge_file(shell.folder / "judge.yaml")
    assert file.spec.value_meanings == {"true": "appropriate", "false": "not appropriate"}
    assert file.spec.asked == "Fit to send?"


def test_meanings_of_values_that_there_are_not_are_refused(shell):
    shell.configure("value_type: bool", "value_type: bool\nvalue_meanings: {maybe: hm}")
    assert "expected true or false" in shell.error("judge", "--outputs", "a")


def test_a_decision_model_and_its_distiller_are_named(shell, monkeypatch):
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    shell.configure(
        "model: precedent",
        "model: {name: 'openai-decisions:gpt-6-luna', base_url: 'http://127.0.0.1:1/v1'}\n"
        "distiller: precedent\naggregate: mode",
    )
    models = objects.models_of(load_judge_file(shell.folder / "judge.yaml"))

    assert type(models["model"]).__name__ == "OpenAIDecisions"
    assert (models["model"].model, models["model"].base_url) == (
        "gpt-6-luna",
        "http://127.0.0.1:1/v1",
    )
    assert (models["distiller"], models["probabilities"], models["aggregate"]) == (
        "precedent",
        None,
        "mode",
    )


def test_probabilities_come_one_way(shell):
    shell.configure("model: precedent", "model: precedent\nprobabilities: guess")
    assert "probabilities: " in shell.error("principles")
