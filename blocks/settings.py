"""How every block here is found: by name, else its defaults; environment variables win over both."""

import os
from typing import Any, ClassVar, Self

from prefect.blocks.core import Block
from pydantic import Secret, SecretStr, ValidationError

DEFAULT_NAME = "default"


class SettingsBlock(Block):
    """A block that works unsaved and that environment variables override.

    ``_environment`` maps a variable to the field it sets, e.g. ``{"SEO_RATE": "rate"}``.
    """

    _environment: ClassVar[dict[str, str]] = {}
    _remedy: ClassVar[str] = "save it in the Prefect UI under Blocks, after `seo blocks register`"

    @classmethod
    async def named(cls, name: str | None = None) -> Self:
        """The saved block ``name``; for None the one saved as ``default``, else the class defaults.

        Raises:
            ValueError: ``name`` was given and no such block is saved, or a field or a variable has an unusable value.
        """
        try:
            block: Self = await cls.aload(name or DEFAULT_NAME)
        except ValueError:
            if name is not None:
                raise ValueError(f"no {cls.get_block_type_slug()} block is saved as {name!r}: {cls._remedy}") from None
            block = cls()
        except RuntimeError as error:
            if not isinstance(error.__cause__, ValidationError):
                raise
            raise ValueError(
                f"the {cls.get_block_type_slug()} block {name or DEFAULT_NAME!r} cannot be used: "
                f"{_problem(error.__cause__)}"
            ) from None
        return block.with_environment()

    def with_environment(self) -> Self:
        """This block with the environment's values in place of its own."""
        given = {field: os.environ[name] for name, field in self._environment.items() if os.environ.get(name)}
        if not given:
            return self
        values: dict[str, Any] = {field: getattr(self, field) for field in type(self).model_fields}
        for name, field in self._environment.items():
            if field in given and isinstance(values[field], list):
                values[field] = [part.strip() for part in given[field].split(",") if part.strip()]
            elif field in given:
                values[field] = given[field]
            else:
                continue
            try:
                type(self)(**values)
            except ValidationError as error:
                text = os.environ[name]
                may_be_secret = isinstance(getattr(self, field), SecretStr | Secret) or "@" in text
                shown = "" if may_be_secret else f"={text!r}"
                raise ValueError(f"environment variable {name}{shown}: {_said(error)}") from None
        return type(self)(**values)


def _problem(error: ValidationError) -> str:
    """The first field that is wrong, and why; without its value, which may be secret."""
    return f"{'.'.join(map(str, error.errors()[0]['loc']))}: {_said(error)}"


def _said(error: ValidationError) -> str:
    return error.errors()[0]["msg"].removeprefix("Value error, ")
