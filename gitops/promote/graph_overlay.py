"""The files of an overlay that composes overlays of one node into a graph, in the layout of overlays/pipeline."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from gitops.manifests.graphnode import GraphNode
from gitops.manifests.rendered import OVERLAYS

TRANSFORMER, OUTPUT_TRANSFORMER, MODEL = TYPES = ("TRANSFORMER", "OUTPUT_TRANSFORMER", "MODEL")
# What a deployment's name begins with where the names of its nodes' deployments have no beginning in common.
_STEM = "graph"
_KUSTOMIZATION = """\
# Composed from the overlays of its nodes: what changes there changes here. Opt-in: without a node.yaml no Application
# finds it by itself. Its orchestrator needs a namespace where Pod Security enforces baseline (docs/policies.md).
apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
# The nodes' ConfigMaps are this deployment's own: an object must not belong to two.
nameSuffix: -{name}
resources:
{resources}
  - seldondeployment.yaml
components:
  - ../../site
patches:
  # The nodes' own deployments are only sources here.
  - target:
      kind: SeldonDeployment
      name: {deployments}
    patch: |-
      - {{op: add, path: /metadata/annotations, value: {{config.kubernetes.io/local-config: "true"}}}}
  # So is what components give them: routes and policies lead to their own pods. (The tables never are rendered; by them
  # this always matches something.)
  - target: {{kind: (GraphNode|HTTPRoute|GRPCRoute|NetworkPolicy|PodDisruptionBudget)}}
    patch: |-
      - {{op: add, path: /metadata/annotations, value: {{config.kubernetes.io/local-config: "true"}}}}
  - target:
      kind: ConfigMap
      name: {expected}
    patch: |-
      - {{op: add, path: /metadata/annotations, value: {{config.kubernetes.io/local-config: "true"}}}}
  - target:
      kind: Job
      name: {jobs}
    patch: |-
      - {{op: add, path: /metadata/annotations/config.kubernetes.io~1local-config, value: "true"}}
  # The model's smoke test becomes the graph's: it asks the orchestrator, which serves the models of all nodes.
  - target: {{kind: Job, name: {model}-smoke}}
    path: smoke.yaml
    options: {{allowNameChange: true}}
configMapGenerator:
  - name: expected
    files: [expected.json]
replacements:
"""
_NODE = """\
  - source:
      kind: SeldonDeployment
      name: {deployment}
      fieldPath: spec.predictors.0.componentSpecs.0
    targets:
      - select: {{kind: SeldonDeployment, name: {stem}}}
        fieldPaths:
          - spec.predictors.0.componentSpecs.{index}
  - source:
      kind: SeldonDeployment
      name: {deployment}
      fieldPath: spec.predictors.0.graph.parameters
    targets:
      - select: {{kind: SeldonDeployment, name: {stem}}}
        fieldPaths:
          - spec.predictors.0.graph.{children}parameters
"""
_DIGEST = """\
  - source: {{kind: GraphNode, name: {node}, fieldPath: spec.modelDigest}}
    targets:
      - select: {{kind: Job, name: {stem}-smoke}}
        fieldPaths:
          - spec.template.spec.containers.0.env.[name={variable}].value
"""
_SELDONDEPLOYMENT = """\
# The nodes as one graph. The orchestrator transforms input on the way down and output on the way up, so an output
# transformer is the parent of what answers it.
apiVersion: machinelearning.seldon.io/v1
kind: SeldonDeployment
metadata:
  name: {stem}
spec:
  predictors:
    - name: {name}
      replicas: 1
      progressDeadlineSeconds: 1200
      svcOrchSpec:
        # Every request passes through the orchestrator; the operator's limit of half a CPU would throttle it.
        resources:
          requests: {{cpu: 500m, memory: 128Mi}}
          limits: {{memory: 512Mi}}
      graph:
{graph}
      # One pod per node, from the graph's root to its leaf, as the replacements fill them.
      componentSpecs: [{pods}]
"""
_SMOKE = """\
- {{op: test, path: /spec/template/spec/containers/0/env/0/name, value: SERVICE}}
- {{op: test, path: /spec/template/spec/containers/0/args/1, value: "http://$(SERVICE):9000"}}
- {{op: test, path: /spec/template/spec/volumes/0/name, value: expected}}
- {{op: replace, path: /metadata/name, value: {stem}-smoke}}
- op: replace
  path: /spec/template/metadata/labels/app.kubernetes.io~1instance
  value: {deployment}
- op: replace
  path: /spec/template/spec/containers/0/env/0/value
  value: {deployment}-{name}
- {{op: replace, path: /spec/template/spec/containers/0/args/1, value: "http://$(SERVICE):8000"}}
- {{op: replace, path: /spec/template/spec/volumes/0/configMap/name, value: expected}}
"""
_SMOKE_NODE = """\
- op: add
  path: /spec/template/spec/containers/0/env/-
  value: {{name: {variable}, value: <modelDigest>}}
- op: add
  path: /spec/template/spec/containers/0/args/-
  value: --model-digest=$({variable})
"""


@dataclass(frozen=True)
class GraphOverlay:
    """The overlay ``name`` of a graph of ``nodes``, in the order in which a request, and then its answer, pass them."""

    name: str
    nodes: tuple[GraphNode, ...]

    @classmethod
    def of(cls, name: str, nodes: Sequence[GraphNode]) -> GraphOverlay:
        """Return the graph of ``nodes``, of which those of one type are in the order of the way."""
        order = (TRANSFORMER, MODEL, OUTPUT_TRANSFORMER)
        return cls(name, tuple(sorted(nodes, key=lambda node: order.index(node.type))))

    @property
    def nested(self) -> tuple[GraphNode, ...]:
        """The nodes from the graph's root to its leaf, the model: the root transforms the answer last."""
        above = {kind: [node for node in self.nodes if node.type == kind] for kind in TYPES}
        return (*above[TRANSFORMER], *reversed(above[OUTPUT_TRANSFORMER]), *above[MODEL])

    @property
    def stem(self) -> str:
        """The deployment's name before Kustomize adds the suffix: what its nodes' deployments have before their nodes' names."""
        stems = {node.deployment.removesuffix(f"-{node.node}") for node in self.nodes}
        same = len(stems) == 1 and all(node.deployment.endswith(f"-{node.node}") for node in self.nodes)
        return stems.pop() if same else _STEM

    @property
    def deployment(self) -> str:
        """The name of the rendered SeldonDeployment."""
        return f"{self.stem}-{self.name}"

    @property
    def folder(self) -> str:
        """The overlay's folder, relative to the tree."""
        return f"{OVERLAYS}/{self.name}"

    def texts(self) -> dict[str, str]:
        """Return the texts of its manifests by their paths."""
        texts = {
            "kustomization.yaml": self._kustomization(),
            "seldondeployment.yaml": _SELDONDEPLOYMENT.format(
                stem=self.stem,
                name=self.name,
                graph=_graph(self.nested, " " * 8),
                pods=", ".join("{}" for _ in self.nodes),
            ),
            "smoke.yaml": _SMOKE.format(stem=self.stem, deployment=self.deployment, name=self.name)
            + "".join(_SMOKE_NODE.format(variable=_variable(node)) for node in self.nested[:-1]),
        }
        return {f"{self.folder}/{file}": text for file, text in texts.items()}

    def _kustomization(self) -> str:
        *others, model = self.nested
        head = _KUSTOMIZATION.format(
            name=self.name,
            resources="\n".join(f"  - ../{node.node}" for node in self.nested),
            deployments=_any(node.deployment for node in self.nested),
            expected=_any(f"{node.node}-expected" for node in self.nested),
            jobs=_any(f"{node.deployment}-smoke" for node in others),
            model=model.deployment,
        )
        nodes = (
            _NODE.format(
                deployment=node.deployment, stem=self.stem, index=index, children="children.0." * index
            )
            for index, node in enumerate(self.nested)
        )
        digests = (
            _DIGEST.format(node=node.node, stem=self.stem, variable=_variable(node)) for node in others
        )
        return head + "".join((*nodes, *digests))


def _any(names: Iterable[str]) -> str:
    """Return the regular expression of a target that matches each of the names."""
    return f"({'|'.join(names)})"


def _variable(node: GraphNode) -> str:
    """Return the smoke test's variable for the digest of a node's model; MODEL_DIGEST is the one of the graph's leaf."""
    return f"{node.node.upper().replace('-', '_')}_MODEL_DIGEST"


def _graph(nodes: Sequence[GraphNode], indent: str) -> str:
    node, *below = nodes
    lines = [f"{indent}name: {node.node}", f"{indent}type: {node.type}", f"{indent}parameters: []"]
    if not below:
        return "\n".join([*lines, f"{indent}children: []"])
    first, *rest = _graph(below, f"{indent}    ").splitlines()
    return "\n".join([*lines, f"{indent}children:", f"{indent}  - {first.lstrip()}", *rest])
