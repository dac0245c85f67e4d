// The modules whose CustomResourceDefinitions gitops/schemas validates by: nothing of them is built. Apart from
// tools/go.mod, so that what they need cannot change what the tools are built of.
module seldon-mlflow-gitops/tools/schemas

go 1.27.0

require (
	github.com/argoproj/argo-cd/v3 v3.5.7
	github.com/external-secrets/external-secrets v1.3.2
	github.com/fluxcd/kustomize-controller v1.10.1
	github.com/fluxcd/source-controller v1.10.1
	github.com/kserve/kserve v0.16.0
	github.com/prometheus-operator/prometheus-operator v0.85.0
	sigs.k8s.io/gateway-api v1.7.0
)
