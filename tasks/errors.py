"""Everything this package raises on purpose; what a single room or door raises is defined there.

SeoScanError
├── InputError              what a person or system gave cannot be used; names it and the remedy
│   ├── BadUrl              not an address that can be fetched
│   ├── UnknownRun          no such run in this data folder
│   ├── UnknownPage         no such page in this data folder
│   ├── BudgetSpent         the model call would pass a cap on cost
│   ├── UnknownEvent        no request event has that name (tasks.events)
│   ├── BadEvent            an event's payload is not what its name promises (tasks.events)
│   ├── Unsendable          a message that no channel can take (tasks.notify)
│   ├── PrefectAbsent       there is no Prefect server to serve for (deployments)
│   └── PrefectUnreachable  the Prefect API that is configured does not answer (deployments.cli)
├── StoreError              the data folder cannot be used
│   ├── SchemaTooNew        written by a later release
│   ├── StaleEpoch          this run was resumed elsewhere; the commit is refused
│   └── UpkeepBusy          another process is at the data folder's upkeep (tasks.store)
├── ShardFailed             one of the machines that a run was divided among could not do its part (tasks.scan)
├── NoShardWorker           no worker takes what a run was divided into (tasks.scan)
├── WorkerDied              a process that worked on chunks died, or its cluster went away (tasks.scan)
├── AddressRefused          the guard refused the address about to be connected
├── AnalysisFailed          the model gave no advice on a page (tasks.analyze)
│   └── CallFailed          one call to the model failed
├── PusherUnavailable       Pusher may take it later (tasks.notify)
├── PusherRefused           Pusher will never take it (tasks.notify)
├── BlockUnusable           a notification block is not there, or cannot notify (tasks.notify)
├── QueueUnavailable        a run could not be handed to Prefect (flows.dispatch)
├── ServerNotStarted        the temporary Prefect server did not come up (deployments.cli)
├── PrefectGone             Prefect's server went away in mid-run and did not return (deployments.cli)
├── PipelineFailed          the flow itself failed; what is committed is kept (deployments.cli)
├── DeployFailed            Prefect did not take a deployment (deployments)
└── ServingEnded            the process can serve no longer (deployments)

What is wrong with a *page* is never an exception: it is a ``FetchFailure`` or a finding.
"""


class SeoScanError(Exception):
    """Base of all errors raised on purpose; its text is meant for people."""


class InputError(SeoScanError):
    """Unusable input. The text names the offending thing and the remedy."""


class BadUrl(InputError):
    """Not an address that can be fetched."""


class UnknownRun(InputError):
    """No run of that id in this data folder."""


class UnknownPage(InputError):
    """No page of that id in this data folder."""


class BudgetSpent(InputError):
    """The call would pass a cap on what models may cost; nothing was spent."""


class StoreError(SeoScanError):
    """The data folder cannot be used."""


class SchemaTooNew(StoreError):
    """The data folder was written by a later release."""


class StaleEpoch(StoreError):
    """The run was resumed by someone else; this commit was refused."""


class AddressRefused(SeoScanError):
    """The address guard refused to connect.

    Not an ``OSError``: HTTP clients would retry it or turn it into a connection failure.
    """
