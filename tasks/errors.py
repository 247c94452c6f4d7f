"""Everything this package raises on purpose.

SeoScanError
├── InputError            what a person or system gave cannot be used; names it and the remedy
│   ├── BadUrl            not an address that can be fetched
│   ├── UnknownRun        no such run in this data folder
│   ├── UnknownPage       no such page in this data folder
│   └── BudgetSpent       the model call would pass a cap on cost
├── StoreError            the data folder cannot be used
│   ├── SchemaTooNew      written by a later release
│   └── StaleEpoch        this run was resumed elsewhere; the commit is refused
├── RunStopped            the run's stop mark is set, its deadline is over or its parent is gone
└── AddressRefused        the guard refused the address about to be connected

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


class RunStopped(SeoScanError):
    """The run has been asked to stop, is out of time, or lost its parent process."""


class AddressRefused(SeoScanError):
    """The address guard refused to connect.

    Not an ``OSError``: HTTP clients would retry it or turn it into a connection failure.
    """
