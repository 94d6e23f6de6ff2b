"""What is known of subjects and resources, put together: catalogue, registry, language models, MCP servers."""

from ostiary.decision.moments import CatalogueDirectory
from ostiary.decision.ports import Directory
from ostiary.gateway.models import ModelTable
from ostiary.pipeline.registered import Registry
from ostiary.server.directory import RegisteredDirectory
from ostiary.server.knowledge import Knowledge
from ostiary.server.llm.directory import LlmDirectory
from ostiary.server.mcp.directory import McpDirectory
from ostiary.server.mcp.manifests import manifest_of
from ostiary.server.settings import Settings
from ostiary.storage.tables import Store


def directory_of(settings: Settings, knowledge: Knowledge, store: Store) -> Directory:
    """Return what is known; each layer joins what it knows with what the one below says."""
    known: Directory = RegisteredDirectory(CatalogueDirectory(knowledge), Registry(store.snapshots))
    llm, mcp = settings.llm, settings.mcp
    if llm.enabled:
        known = LlmDirectory(known, ModelTable(llm.served()), llm.manifest())
    return McpDirectory(known, mcp.servers, manifest_of(mcp)) if mcp.servers else known
