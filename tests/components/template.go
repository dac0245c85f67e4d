// Fills a template of an ExternalSecret, given on standard input, by the variables of the environment: Go's own
// text/template, with the functions of the operator that the components use.
package main

import (
	"encoding/base64"
	"encoding/json"
	"io"
	"os"
	"strings"
	"text/template"
)

func main() {
	text, err := io.ReadAll(os.Stdin)
	if err != nil {
		panic(err)
	}
	functions := template.FuncMap{
		"toJson": func(value string) string { document, _ := json.Marshal(value); return string(document) },
		"b64enc": func(value string) string { return base64.StdEncoding.EncodeToString([]byte(value)) },
	}
	values := map[string]string{}
	for _, entry := range os.Environ() {
		name, value, _ := strings.Cut(entry, "=")
		values[name] = value
	}
	parsed := template.Must(template.New("").Option("missingkey=error").Funcs(functions).Parse(string(text)))
	if err := parsed.Execute(os.Stdout, values); err != nil {
		panic(err)
	}
}
