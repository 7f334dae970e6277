"""The contract suites: what an adapter must pass, whoever wrote it.

A suite is a module of pytest's test functions about one port. A test file imports all of it and
supplies the one fixture that the module's first line names:

    from recollect.testing.embedder import *

    @pytest.fixture(scope="module")
    def embedder() -> Embedder:
        return MyEmbedder()

| suites | fixture |
|---|---|
| `record`, `episodes`, `scopes`, `listing`, `outbox`, `jobs`, `keys` | `store`, a `store.Store` |
| `vectors` | `opened`, a `vectors.Open` |
| `memory_index` | `build`, an `indexes.Build`; `scope="module"` |
| `index_builds` | `indexed`, an `indexes.Indexed` |
| `embedder` | `embedder` |
| `language_model` | `scripted`, a `language_model.Scripted` |
| `extractor`, `decider` | `extractor`, `decider` |
| `wake_ups` | `line`, a `wake_ups.Line` |

`builders` makes the data that the suites use. Needs `pip install 'recollect[testing]'`.
"""

from pkgutil import iter_modules

import pytest

# Before any of them is imported: a failed assert then shows the values that were compared.
pytest.register_assert_rewrite(*(f"{__name__}.{module.name}" for module in iter_modules(__path__)))
