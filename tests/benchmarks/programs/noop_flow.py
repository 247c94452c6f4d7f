"""A flow of one task that does nothing: what Prefect itself takes."""

from prefect import flow, task


@task
def nothing() -> None:
    pass


@flow
def one_task() -> None:
    nothing()


if __name__ == "__main__":
    one_task()
