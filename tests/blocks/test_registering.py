import blocks
from deployments.cli import app


def test_every_block_is_registered(prefect_db, capsys):  # noqa: ARG001 - the server it is registered with
    assert app.run(["blocks", "register"]) == 0
    types = {getattr(blocks, name) for name in blocks.__all__}
    assert len(types) == 7
    assert set(capsys.readouterr().out.splitlines()) == {
        f"registered {block.get_block_type_name()} ({block.get_block_type_slug()})" for block in types
    }
