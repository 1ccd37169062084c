"""One conversation with tools, as each provider's clients and SDKs write it.

`run` makes the ids, times and usage of another run; `answer` the words at its end.
"""

import json

from langchain_core.messages import AIMessage, HumanMessage, SystemMessage, ToolMessage

SYSTEM = "Be brief."
QUESTION = "How warm is it in Paris and in Rome?"
LOOKING = "Let me see."
RESULTS = {"Paris": {"celsius": 22, "sky": "clear"}, "Rome": "no such station"}
NOON = "2026-01-01T12:00:00Z"


def langchain(run="a", answer="22, and unknown."):
    def call(city):
        return {"name": "weather", "args": {"city": city}, "id": f"{run}-{city}"}

    return [
        SystemMessage(SYSTEM, id=f"{run}-1"),
        HumanMessage(QUESTION, id=f"{run}-2"),
        AIMessage(LOOKING, tool_calls=[call("Paris"), call("Rome")], id=f"{run}-3"),
        ToolMessage(json.dumps(RESULTS["Paris"]), tool_call_id=f"{run}-Paris", name="weather"),
        ToolMessage(RESULTS["Rome"], tool_call_id=f"{run}-Rome", status="error"),
        AIMessage(answer, response_metadata={"model_name": run}),
        HumanMessage("And what time is it?"),
        AIMessage("", tool_calls=[{"name": "now", "args": {}, "id": f"{run}-now"}]),
        ToolMessage("12:00", tool_call_id=f"{run}-now"),
        AIMessage("Noon."),
    ]


def openai_chat(run="a", answer="22, and unknown."):
    def call(name, args, id_):
        function = {"name": name, "arguments": json.dumps(args, separators=(",", ":"))}
        return {"id": f"call_{run}_{id_}", "type": "function", "function": function}

    def assistant(content, calls=None):
        return {
            "role": "assistant",
            "content": content,
            "refusal": None,
            "annotations": [],
            "audio": None,
            "function_call": None,
            "tool_calls": calls,
        }

    def tool(id_, content, **more):
        return {"role": "tool", "tool_call_id": f"call_{run}_{id_}", "content": content, **more}

    cities = [call("weather", {"city": city}, city) for city in RESULTS]
    return [
        {"role": "developer", "content": SYSTEM},
        {"role": "user", "content": [{"type": "text", "text": QUESTION}]},
        assistant(LOOKING, cities),
        tool("Paris", json.dumps(RESULTS["Paris"], separators=(",", ":"))),
        tool("Rome", RESULTS["Rome"], status="error"),
        assistant(answer),
        {"role": "user", "content": "And what time is it?"},
        assistant(None, [call("now", {}, "now")]),
        tool("now", "12:00"),
        assistant("Noon."),
    ]


def chat_completions(run="a", answer="22, and unknown."):
    """Each of the model's messages as the `ChatCompletion` that it came in."""

    def completion(message):
        return {
            "id": f"chatcmpl-{run}",
            "object": "chat.completion",
            "created": len(run),
            "model": "gpt",
            "choices": [
                {"index": 0, "finish_reason": "stop", "logprobs": None, "message": message}
            ],
            "usage": {"total_tokens": len(run)},
        }

    chat = openai_chat(run, answer)
    return [completion(m) if m["role"] == "assistant" else m for m in chat]


def openai_responses(run="a", answer="22, and unknown."):
    def call(name, args, id_):
        return {
            "type": "function_call",
            "id": f"fc_{run}_{id_}",
            "call_id": f"call_{run}_{id_}",
            "name": name,
            "arguments": json.dumps(args),
            "status": "completed",
        }

    def output(id_, text, status="completed"):
        return {
            "type": "function_call_output",
            "id": f"fco_{run}_{id_}",
            "call_id": f"call_{run}_{id_}",
            "output": text,
            "status": status,
        }

    def said(text):
        return {
            "type": "message",
            "id": f"msg_{run}",
            "role": "assistant",
            "status": "completed",
            "content": [{"type": "output_text", "text": text, "annotations": [], "logprobs": []}],
        }

    hidden = {"type": "reasoning", "id": f"rs_{run}", "summary": [], "encrypted_content": run}
    return [
        {"role": "developer", "content": SYSTEM},
        {"role": "user", "content": [{"type": "input_text", "text": QUESTION}]},
        hidden,
        said(LOOKING),
        *(call("weather", {"city": city}, city) for city in RESULTS),
        output("Paris", json.dumps(RESULTS["Paris"])),
        output("Rome", RESULTS["Rome"], "failed"),
        said(answer),
        {"role": "user", "content": "And what time is it?"},
        hidden,
        call("now", {}, "now"),
        output("now", [{"type": "input_text", "text": "12:00"}]),
        {"id": f"resp_{run}", "object": "response", "model": "gpt", "output": [said("Noon.")]},
    ]


def anthropic(run="a", answer="22, and unknown."):
    def use(name, args, id_):
        return {"type": "tool_use", "id": f"toolu_{run}_{id_}", "name": name, "input": args}

    def result(id_, content, **more):
        more["cache_control"] = {"type": "ephemeral"}
        return {
            "type": "tool_result",
            "tool_use_id": f"toolu_{run}_{id_}",
            "content": content,
            **more,
        }

    def dump(content):
        return {
            "id": f"msg_{run}",
            "type": "message",
            "role": "assistant",
            "model": f"claude-{run}",
            "content": content,
            "stop_reason": "end_turn",
            "stop_sequence": None,
            "usage": {"input_tokens": len(run)},
        }

    uses = [use("weather", {"city": city}, city) for city in RESULTS]
    paris = [{"type": "text", "text": json.dumps(RESULTS["Paris"])}]
    return [
        {"role": "system", "content": SYSTEM},
        {"role": "user", "content": QUESTION},
        dump([{"type": "text", "text": LOOKING, "citations": None}, *uses]),
        {
            "role": "user",
            "content": [result("Paris", paris), result("Rome", RESULTS["Rome"], is_error=True)],
        },
        {"role": "assistant", "content": answer},
        {"role": "user", "content": "And what time is it?"},
        {"role": "assistant", "content": [use("now", {}, "now")]},
        {"role": "user", "content": [result("now", "12:00")]},
        dump([{"type": "text", "text": "Noon."}]),
    ]


def bedrock(run="a", answer="22, and unknown."):
    def use(name, args, id_):
        return {"toolUse": {"toolUseId": f"tooluse_{run}_{id_}", "name": name, "input": args}}

    def result(id_, content, status="success"):
        held = {"toolUseId": f"tooluse_{run}_{id_}", "content": [content], "status": status}
        return {"toolResult": held}

    uses = [use("weather", {"city": city}, city) for city in RESULTS]
    last = {"role": "assistant", "content": [{"text": "Noon."}]}
    return [
        {"role": "system", "content": [{"text": SYSTEM}]},
        {"role": "user", "content": [{"text": QUESTION}, {"cachePoint": {"type": "default"}}]},
        {"role": "assistant", "content": [{"text": LOOKING}, *uses]},
        {
            "role": "user",
            "content": [
                result("Paris", {"json": RESULTS["Paris"]}),
                result("Rome", {"text": RESULTS["Rome"]}, "error"),
            ],
        },
        {"role": "assistant", "content": [{"text": answer}]},
        {"role": "user", "content": [{"text": "And what time is it?"}]},
        {"role": "assistant", "content": [use("now", {}, "now")]},
        {"role": "user", "content": [result("now", {"text": "12:00"})]},
        {"output": {"message": last}, "stopReason": "end_turn", "usage": {}, "metrics": {}},
    ]


def gemini(run="a", answer="22, and unknown."):
    """The REST API's form, without ids of calls."""

    def response(name, given):
        return {"functionResponse": {"name": name, "response": given}}

    calls = [{"functionCall": {"name": "weather", "args": {"city": c}}} for c in RESULTS]
    calls[0]["thoughtSignature"] = run
    return [
        {"role": "system", "parts": [{"text": SYSTEM}]},
        {"role": "user", "parts": [{"text": QUESTION}]},
        {"role": "model", "parts": [{"text": LOOKING}, *calls]},
        {
            "role": "user",
            "parts": [
                response("weather", RESULTS["Paris"]),
                response("weather", {"error": RESULTS["Rome"]}),
            ],
        },
        {"role": "model", "parts": [{"text": answer}]},
        {"role": "user", "parts": [{"text": "And what time is it?"}]},
        {"role": "model", "parts": [{"functionCall": {"name": "now"}}]},
        {"role": "function", "parts": [response("now", {"result": "12:00"})]},
        {
            "candidates": [
                {
                    "content": {"role": "model", "parts": [{"text": "Noon."}]},
                    "finishReason": "STOP",
                }
            ],
            "usageMetadata": {"totalTokenCount": len(run)},
            "responseId": run,
        },
    ]


def gemini_python(run="a", answer="22, and unknown."):
    """The dumps of the Python SDK: other names, ids, and None wherever there is nothing."""
    names = {"functionCall": "function_call", "functionResponse": "function_response"}
    none = {"text": None, "thought": None, "inline_data": None, "file_data": None}
    contents, ids = [], []
    for content in gemini(run, answer)[:-1]:
        parts = []
        for part in content["parts"]:
            part = {names.get(key, key): item for key, item in part.items()}
            part.pop("thoughtSignature", None)
            if "function_call" in part:
                ids.append(f"{run}-{len(ids)}")
                part["function_call"] = {**part["function_call"], "id": ids[-1]}
            if "function_response" in part:
                part["function_response"] = {**part["function_response"], "id": ids.pop(0)}
            parts.append({**none, **part})
        contents.append({"role": content["role"], "parts": parts})
    return [*contents, {"role": "model", "parts": [{**none, "text": "Noon."}]}]


def opentelemetry(run="a", answer="22, and unknown."):
    def said(role, text, **more):
        return {"role": role, "parts": [{"type": "text", "content": text}], **more}

    def call(name, args, id_):
        return {"type": "tool_call", "id": f"{run}-{id_}", "name": name, "arguments": args}

    def response(id_, given, **more):
        part = {"type": "tool_call_response", "id": f"{run}-{id_}", "response": given, **more}
        return {"role": "tool", "parts": [part]}

    looking = {"type": "text", "content": LOOKING}
    cities = [call("weather", {"city": city}, city) for city in RESULTS]
    return [
        said("system", SYSTEM),
        said("user", QUESTION),
        {"role": "assistant", "parts": [looking, *cities], "finish_reason": "tool_call"},
        response("Paris", RESULTS["Paris"]),
        response("Rome", RESULTS["Rome"], status="error"),
        said("assistant", answer, finish_reason="stop"),
        said("user", "And what time is it?"),
        {"role": "assistant", "parts": [call("now", {}, "now")], "finish_reason": "tool_call"},
        response("now", "12:00"),
        said("assistant", "Noon.", finish_reason="stop"),
    ]


def vercel_ui_4(run="a", answer="22, and unknown."):
    def invocation(name, args, given, **more):
        held = {
            "state": "result",
            "step": 0,
            "toolCallId": f"{run}-{json.dumps(args)}",
            "toolName": name,
            "args": args,
            "result": given,
            **more,
        }
        return {"type": "tool-invocation", "toolInvocation": held}

    def text(words):
        return {"type": "text", "text": words}

    cities = [invocation("weather", {"city": c}, given) for c, given in RESULTS.items()]
    cities[1]["toolInvocation"]["isError"] = True
    first = [{"type": "step-start"}, text(LOOKING), *cities, {"type": "step-start"}, text(answer)]
    now = invocation("now", {}, "12:00")
    second = [{"type": "step-start"}, now, {"type": "step-start"}, text("Noon.")]
    return [
        {"id": f"{run}1", "role": "system", "content": SYSTEM, "parts": [text(SYSTEM)]},
        {"id": f"{run}2", "role": "user", "content": QUESTION, "parts": [text(QUESTION)]},
        {
            "id": f"{run}3",
            "createdAt": NOON,
            "role": "assistant",
            "content": f"{LOOKING}{answer}",
            "parts": first,
            "revisionId": run,
        },
        {"role": "user", "content": "And what time is it?"},
        {
            "role": "assistant",
            "content": "Noon.",
            "toolInvocations": [now["toolInvocation"]],
            "parts": second,
        },
    ]


def vercel_ui_5(run="a", answer="22, and unknown."):
    def text(words):
        return {"type": "text", "text": words, "state": "done"}

    def tool(city, **given):
        call = {"toolCallId": f"{run}-{city}", "input": {"city": city}}
        return {"type": "tool-weather", **call, **given}

    now = {
        "type": "dynamic-tool",
        "toolName": "now",
        "toolCallId": f"{run}-now",
        "state": "output-available",
        "input": {},
        "output": "12:00",
    }
    step = {"type": "step-start"}
    return [
        {"id": f"{run}1", "role": "system", "parts": [text(SYSTEM)]},
        {"id": f"{run}2", "role": "user", "parts": [text(QUESTION)]},
        {
            "id": f"{run}3",
            "role": "assistant",
            "metadata": {"createdAt": run},
            "parts": [
                step,
                text(LOOKING),
                tool("Paris", state="output-available", output=RESULTS["Paris"]),
                tool("Rome", state="output-error", errorText=RESULTS["Rome"]),
                step,
                text(answer),
            ],
        },
        {"id": f"{run}4", "role": "user", "parts": [text("And what time is it?")]},
        {"id": f"{run}5", "role": "assistant", "parts": [step, now, step, text("Noon.")]},
    ]


def vercel_core(run, answer, version):
    given = "args" if version == 4 else "input"

    def call(name, args, id_):
        return {"type": "tool-call", "toolCallId": f"{run}{id_}", "toolName": name, given: args}

    def result(name, id_, content, failed=False):
        part = {"type": "tool-result", "toolCallId": f"{run}{id_}", "toolName": name}
        if version == 4:
            return {**part, "result": content, **({"isError": True} if failed else {})}
        kind = "text" if isinstance(content, str) else "json"
        return {**part, "output": {"type": f"error-{kind}" if failed else kind, "value": content}}

    cities = [call("weather", {"city": city}, city) for city in RESULTS]
    return [
        {"role": "system", "content": SYSTEM},
        {"role": "user", "content": [{"type": "text", "text": QUESTION}]},
        {"role": "assistant", "content": [{"type": "text", "text": LOOKING}, *cities]},
        {
            "role": "tool",
            "content": [
                result("weather", "Paris", RESULTS["Paris"]),
                result("weather", "Rome", RESULTS["Rome"], failed=True),
            ],
        },
        {"role": "assistant", "content": answer},
        {"role": "user", "content": "And what time is it?"},
        {"role": "assistant", "content": [call("now", {}, "now")]},
        {"role": "tool", "content": [result("now", "now", "12:00")]},
        {"role": "assistant", "content": [{"type": "text", "text": "Noon."}]},
    ]


def vercel_core_4(run="a", answer="22, and unknown."):
    return vercel_core(run, answer, 4)


def vercel_core_5(run="a", answer="22, and unknown."):
    return vercel_core(run, answer, 5)


def pydantic_ai(run="a", answer="22, and unknown."):
    def request(*parts):
        return {"kind": "request", "parts": list(parts), "instructions": None, "run_id": run}

    def response(*parts):
        return {
            "kind": "response",
            "parts": list(parts),
            "usage": {"input_tokens": len(run)},
            "model_name": f"model-{run}",
            "timestamp": NOON,
            "provider_response_id": run,
            "finish_reason": "stop",
        }

    def user(text):
        return {"part_kind": "user-prompt", "content": text, "timestamp": NOON}

    def text(words):
        return {"part_kind": "text", "content": words, "id": run}

    def call(name, args, id_):
        call_id = f"pyd_ai_{run}{id_}"
        return {"part_kind": "tool-call", "tool_name": name, "args": args, "tool_call_id": call_id}

    def returned(name, id_, content, **more):
        return {
            "part_kind": "tool-return",
            "tool_name": name,
            "content": content,
            "tool_call_id": f"pyd_ai_{run}{id_}",
            "metadata": None,
            "timestamp": NOON,
            **more,
        }

    retry = {**returned("weather", "Rome", RESULTS["Rome"]), "part_kind": "retry-prompt"}
    return [
        request({"part_kind": "system-prompt", "content": SYSTEM}, user(QUESTION)),
        response(
            {"part_kind": "thinking", "content": "", "signature": run},
            text(LOOKING),
            call("weather", '{"city": "Paris"}', "Paris"),
            call("weather", {"city": "Rome"}, "Rome"),
        ),
        request(returned("weather", "Paris", RESULTS["Paris"]), retry),
        response(text(answer)),
        request(user(["And what time is it?"])),
        response(call("now", None, "now")),
        request(returned("now", "now", "12:00", outcome="success")),
        response(text("Noon.")),
    ]


FORMS = {
    form.__name__: form
    for form in (
        langchain,
        openai_chat,
        chat_completions,
        openai_responses,
        anthropic,
        bedrock,
        gemini,
        gemini_python,
        opentelemetry,
        vercel_ui_4,
        vercel_ui_5,
        vercel_core_4,
        vercel_core_5,
        pydantic_ai,
    )
}
