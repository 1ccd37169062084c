"""The images of a case, for models that see."""

from __future__ import annotations

from typing import Any

from langchain_core.language_models import BaseChatModel

from langchain_memalign.schema import Case

_MOST = 20


def sees(model: BaseChatModel) -> bool:
    """Whether a chat model says, by its LangChain profile, that it takes images."""
    profile = model.profile
    return bool(profile and profile.get("image_inputs"))


def with_images_apart(case: Case) -> tuple[Case, list[dict[str, Any]]]:
    """Take the images out of a case's messages.

    Returns:
        The case with "[image 1, attached]" in the place of each, and the images as LangChain's
        standard content blocks, in their order; the first 20, others stay where they are.
    """
    images: list[dict[str, Any]] = []

    def apart(value: Any) -> Any:
        match value:
            case {"type": "image", "base64": str()} | {"type": "image", "url": str()}:
                if len(images) == _MOST:
                    return value
                kept = ("type", "base64", "url", "mime_type")
                images.append({key: value[key] for key in kept if key in value})
                return {"type": "text", "text": f"[image {len(images)}, attached]"}
            case dict():
                return {key: apart(item) for key, item in value.items()}
            case list():
                return [apart(item) for item in value]
        return value

    shown = {
        name: apart(getattr(case, name)) for name in ("inputs", "outputs", "reference_outputs")
    }
    return (Case.model_construct(**shown), images) if images else (case, images)
