// The modules whose CustomResourceDefinitions gitops/schemas validates by: nothing of them is built. Apart from
// tools/go.mod, so that what they need cannot change what the tools are built of.
module seldon-mlflow-gitops/tools/schemas

go 1.27.0

require (
	github.com/argoproj/argo-cd/v3 v3.5.7
	sigs.k8s.io/gateway-api v1.7.0
)
