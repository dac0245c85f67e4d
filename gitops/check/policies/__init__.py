"""The policies, one module per thing that they are about."""

from gitops.check.policies import images, models, names, rendering, secrets, targets
from gitops.check.policy import Policy
from gitops.check.tree import Rendered, Tree

# What is judged as a whole, and what is judged folder by folder, in the order of the report.
TREE_POLICIES: tuple[Policy[Tree], ...] = (
    rendering.build,
    rendering.shape,
    rendering.overlay,
    rendering.component,
    targets.target,
    images.image_released,
)
FOLDER_POLICIES: tuple[Policy[Rendered], ...] = (
    rendering.placeholder,
    rendering.one_deployment,
    rendering.namespace,
    names.folder_name,
    names.deployment_name,
    names.node_container,
    names.init_container_name,
    names.service_type,
    names.operator_env,
    images.image_digest,
    models.model_digest,
    models.node_fields,
    models.node_values,
    secrets.secret_value,
    secrets.secret_scope,
)
