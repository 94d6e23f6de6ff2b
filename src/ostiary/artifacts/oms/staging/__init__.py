"""Where verified bytes lie between the check and the use.

| staging | copies | who could still change the bytes |
|---|---|---|
| ``InMemory`` | once, into sealed memory | nobody |
| ``InFolder`` | once, or none where blocks are shared | this user's other processes, root |
| ``InPlace`` | none | nobody unnoticed, but for root below the file system |
| ``CheckOnly`` | none | nothing is handed on |
"""

from ostiary.artifacts.oms.staging.base import StagedFile, Staging, Taken
from ostiary.artifacts.oms.staging.folder import InFolder
from ostiary.artifacts.oms.staging.memory import InMemory
from ostiary.artifacts.oms.staging.nothing import CheckOnly
from ostiary.artifacts.oms.staging.place import InPlace

__all__ = ["CheckOnly", "InFolder", "InMemory", "InPlace", "StagedFile", "Staging", "Taken"]
