"""What a page loads, and where its forms send data."""

from selectolax.lexbor import LexborNode

from tasks.extract.found import Attributes, keyword
from tasks.extract.structured import json_ld
from tasks.extract.walker import Leave, Walker, skip


def enter_script(walker: Walker, node: LexborNode, attributes: Attributes) -> Leave:
    if keyword(attributes, "type").partition(";")[0].strip() != "application/ld+json":
        walker.add_resource("script", attributes.get("src"))
    elif walker.reads_structured_data:
        walker.found.structured_data.append(json_ld(node.text()))
    return skip


def enter_frame(walker: Walker, _: LexborNode, attributes: Attributes) -> Leave:
    walker.add_resource("iframe", attributes.get("src"))
    return skip


def enter_audio(walker: Walker, node: LexborNode, attributes: Attributes) -> Leave:
    walker.add_resource("audio", attributes.get("src"))
    return walker.enter_fallback(node, attributes)


def enter_video(walker: Walker, node: LexborNode, attributes: Attributes) -> Leave:
    walker.add_resource("video", attributes.get("src"))
    walker.add_resource("image", attributes.get("poster"))
    return walker.enter_fallback(node, attributes)


def enter_source(walker: Walker, node: LexborNode, attributes: Attributes) -> None:
    around = node.parent.tag if node.parent is not None else None
    if around == "picture":
        walker.add_srcset(attributes.get("srcset"))
    elif around == "audio":
        walker.add_resource("audio", attributes.get("src"))
    elif around == "video":
        walker.add_resource("video", attributes.get("src"))


def enter_object(walker: Walker, _: LexborNode, attributes: Attributes) -> None:
    walker.add_resource("object", attributes.get("data"))


def enter_embed(walker: Walker, _: LexborNode, attributes: Attributes) -> None:
    walker.add_resource("object", attributes.get("src"))


def enter_form(walker: Walker, node: LexborNode, attributes: Attributes) -> Leave:
    walker.add_resource("form", attributes.get("action"))
    return walker.enter_block(node, attributes)


def enter_button(walker: Walker, node: LexborNode, attributes: Attributes) -> Leave:
    walker.add_resource("form", attributes.get("formaction"))
    return walker.enter_block(node, attributes)


def enter_input(walker: Walker, _: LexborNode, attributes: Attributes) -> None:
    walker.add_resource("form", attributes.get("formaction"))
    if keyword(attributes, "type") == "image":
        walker.add_resource("image", attributes.get("src"))
