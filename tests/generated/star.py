"""A site of one page that links to all others."""

from tests.generated.reply import Answers, Reply, error


def star(pages: int, delay: float = 0.0) -> Answers:
    """``/`` links to ``/1`` and so on, each of which is answered after ``delay`` seconds."""
    links = "".join(f'<a href="/{number}">{number}</a> ' for number in range(1, pages + 1))

    def reply(path):
        number = path.partition("?")[0].strip("/")
        if number and not (number.isdigit() and 0 < int(number) <= pages):
            return error(404)
        title = f"Page {number or 'of all'}"
        text = f"{title} of leaves. " * 15 if number else links
        body = f"<!doctype html><html lang=en><title>{title}</title><p>{text}"
        return Reply(body=body.encode(), delay=delay)

    return reply
