"""The engines: what each is called, how it is run and when it answers."""

import os
from dataclasses import dataclass, replace

HEAP = "-Xmx512m"


@dataclass(frozen=True)
class Engine:
    """A server to test against.

    `name` is its folder beside this file (`pom.xml`, `config/`) and its name in `endpoints.json`.
    `options` of Java, `arguments` and the files of `config/` may name `$port`, `$other_port`,
    `$software` and `$run`. It is ready once GET `probe` answers with `ready`.
    """

    name: str
    product: str
    port: int
    main: str
    arguments: tuple[str, ...]
    probe: str
    options: tuple[str, ...] = ()
    ready: int = 200
    url: str = "http://127.0.0.1:{port}"
    refuses_root: bool = False

    @property
    def needs_another_account(self) -> bool:
        """Whether it has to run as somebody else than the caller."""
        return self.refuses_root and os.geteuid() == 0


_DYNAMODB = Engine(
    name="dynamodb",
    product="DynamoDB Local",
    port=8000,
    main="Loopback",
    # Where its SQLite finds the native library.
    options=("-Djava.library.path=$software", "-Dsqlite4java.library.path=$software"),
    arguments=("-inMemory", "-sharedDb", "-disableTelemetry", "-port", "$port"),
    probe="/",
    ready=400,
)
_SQS = Engine(
    name="sqs",
    product="ElasticMQ",
    port=9324,
    main="org.elasticmq.server.Main",
    options=("-Dconfig.file=elasticmq.conf",),
    arguments=(),
    probe="/health",
)
_OPENSEARCH = Engine(
    name="opensearch",
    product="OpenSearch",
    port=9200,
    main="org.opensearch.bootstrap.OpenSearch",
    # Of what its own start script passes, what it needs to start and to end.
    options=(
        "-Djava.io.tmpdir=$run/tmp",
        "-Djava.security.manager=allow",
        "-Dopensearch.path.home=$software",
        "-Dopensearch.path.conf=$run",
        "-Dopensearch.distribution.type=zip",
        "-Dopensearch.bundled_jdk=false",
        "-Dlog4j.shutdownHookEnabled=false",
        "-Dlog4j2.disable.jmx=true",
        "-Dio.netty.noUnsafe=true",
    ),
    arguments=(),
    probe="/_cluster/health?wait_for_status=yellow&timeout=5s",
    refuses_root=True,
)
_GREMLIN = Engine(
    name="gremlin",
    product="Gremlin Server 3.7",
    port=8182,
    main="org.apache.tinkerpop.gremlin.server.GremlinServer",
    options=("-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",),
    arguments=("server.yaml",),
    probe="/?gremlin=1",
    url="ws://127.0.0.1:{port}/gremlin",
)
# Neptune's engines have been like this one since 1.5.
_GREMLIN38 = replace(_GREMLIN, name="gremlin38", product="Gremlin Server 3.8", port=8183)

ENGINES = (_DYNAMODB, _SQS, _OPENSEARCH, _GREMLIN, _GREMLIN38)
