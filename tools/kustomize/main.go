// Kustomize, and beside its own commands `builds`: one build after another in one process.
//
// Most of what a build computes is reading Kubernetes' OpenAPI schema, which kustomize keeps for as long as it runs. Each
// line on standard input is a folder as a JSON string, each line on standard output what `kustomize build` comes to there,
// with the objects as JSON: kustomize makes its YAML of that, which takes long, and so does reading it.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"os"
	"time"

	"github.com/spf13/cobra"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/kustomize/v5/commands"
	"sigs.k8s.io/kustomize/kustomize/v5/commands/build"
	"sigs.k8s.io/kustomize/kyaml/filesys"
	"sigs.k8s.io/kustomize/kyaml/openapi"
)

// Who asks for nothing any more gets its memory back; whoever asks again starts another one.
const idle = 10 * time.Second

// What `kustomize build` would have printed, and whether it would have failed.
type result struct {
	Objects  string `json:"objects"`
	Messages string `json:"messages"`
	Failed   bool   `json:"failed"`
}

func main() {
	var err error
	if len(os.Args) == 2 && os.Args[1] == "builds" {
		stderr := os.Stderr // Before builds puts a file in its place.
		if err = builds(os.Stdin, os.Stdout); err != nil {
			fmt.Fprintln(stderr, err)
		}
	} else {
		err = commands.NewDefaultCommand().Execute()
	}
	if err != nil {
		os.Exit(1)
	}
}

func builds(input io.Reader, output io.Writer) error {
	messages, err := os.CreateTemp("", "kustomize-")
	if err != nil {
		return err
	}
	defer messages.Close()
	if err := os.Remove(messages.Name()); err != nil {
		return err
	}
	// Kustomize writes its warnings to standard error, by itself and by log.
	os.Stdout, os.Stderr = messages, messages
	log.SetOutput(messages)
	folders := make(chan string)
	go read(input, folders)
	encoder := json.NewEncoder(output)
	for {
		select {
		case folder, open := <-folders:
			if !open {
				return nil
			}
			found, err := one(folder, messages)
			if err != nil {
				return err
			}
			if err := encoder.Encode(found); err != nil {
				return err
			}
		case <-time.After(idle):
			return nil
		}
	}
}

func read(input io.Reader, folders chan<- string) {
	defer close(folders)
	lines := bufio.NewReader(input)
	for {
		line, err := lines.ReadBytes('\n')
		var folder string
		if err != nil || json.Unmarshal(line, &folder) != nil {
			return
		}
		folders <- folder
	}
}

func one(folder string, messages *os.File) (result, error) {
	found, err := try(folder, messages)
	if openapi.GetSchemaVersion() == builtIn {
		return found, err
	}
	// It names a schema of its own, which kustomize adds to what it read before, and keeps for whatever comes next.
	openapi.ResetOpenAPI()
	defer openapi.ResetOpenAPI()
	return try(folder, messages)
}

// The schema that kustomize uses where a kustomization names none.
var builtIn = openapi.GetSchemaVersion()

func try(folder string, messages *os.File) (result, error) {
	if err := messages.Truncate(0); err != nil {
		return result{}, err
	}
	if _, err := messages.Seek(0, io.SeekStart); err != nil {
		return result{}, err
	}
	objects, failed := kustomize(folder)
	if _, err := messages.Seek(0, io.SeekStart); err != nil {
		return result{}, err
	}
	said, err := io.ReadAll(messages)
	return result{objects, string(said), failed}, err
}

// The objects that `kustomize build` renders in the folder as a JSON list, and whether it fails; what it says goes to standard
// error.
func kustomize(folder string) (objects string, failed bool) {
	defer func() {
		if reason := recover(); reason != nil {
			failed = true
			fmt.Fprintf(os.Stderr, "panic: %v\n", reason)
		}
	}()
	disk := filesys.MakeFsOnDisk()
	command := build.NewCmdBuild(disk, build.MakeHelp("kustomize", "build"), io.Discard)
	command.RunE = func(command *cobra.Command, folders []string) error {
		options := build.HonorKustomizeFlags(krusty.MakeDefaultOptions(), command.Flags())
		found, err := krusty.MakeKustomizer(options).Run(disk, folders[0])
		if err != nil {
			return err
		}
		list := []json.Marshaler{} // A list where there is none, and not null.
		for _, entry := range found.Resources() {
			list = append(list, entry)
		}
		text, err := json.Marshal(list)
		objects = string(text)
		return err
	}
	command.SetArgs([]string{folder})
	return objects, command.Execute() != nil
}
