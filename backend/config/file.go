package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// readFile reads a config file, with a setting in each line; none if the path is empty.
func readFile(path string) (map[string]any, error) {
	if path == "" {
		return map[string]any{}, nil
	}
	if err := CheckPath("config", path); err != nil {
		return nil, err
	}
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("config file %s: %w", path, err)
	}
	values, err := parseFile(content)
	if err != nil {
		return nil, fmt.Errorf("config file %s: %w", path, err)
	}
	return values, nil
}

// parseFile takes values as text, because YAML would turn 0755 into a number and 2026-12-01 into a
// date.
func parseFile(content []byte) (map[string]any, error) {
	decoder := yaml.NewDecoder(bytes.NewReader(content))
	var document yaml.Node
	if err := decoder.Decode(&document); err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	if err := decoder.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) {
		return nil, errors.Join(err, errors.New("it holds two documents; remove the --- between them"))
	}
	if len(document.Content) == 0 || document.Content[0].ShortTag() == "!!null" {
		return map[string]any{}, nil
	}
	if document.Content[0].Kind != yaml.MappingNode {
		return nil, errors.New("it must hold a setting in each line, as in listen: localhost:8080")
	}
	lines := map[string]yaml.Node{}
	if err := document.Decode(&lines); err != nil {
		return nil, err
	}
	values := map[string]any{}
	for _, name := range slices.Sorted(maps.Keys(lines)) {
		text, err := value(name, lines[name])
		if err != nil {
			return nil, err
		}
		if name, text := set(name, text); name != "" {
			values[name] = text
		}
	}
	return values, nil
}

// value returns a setting's value as it would be in the environment. Trusted proxies may be a list.
func value(name string, node yaml.Node) (string, error) {
	if node.Kind == yaml.AliasNode {
		node = *node.Alias
	}
	if err := Removed(name); err != nil {
		return "", err
	}
	if !known(name) {
		if below := nested(name, node); below != nil {
			return "", below
		}
		return "", fmt.Errorf("unknown setting %q; the settings are %s", name, names())
	}
	var items []string
	switch {
	case node.ShortTag() == "!!null":
		return "", nil
	case node.Kind == yaml.ScalarNode:
		return node.Value, nil
	case name != "trusted-proxies":
		return "", fmt.Errorf("%q takes one value; write %[1]s: and the value in one line", name)
	case node.Decode(&items) != nil:
		return "", fmt.Errorf("%q takes one value or a list of values, as in [10.0.0.0/8, 127.0.0.1]", name)
	}
	return strings.Join(items, ","), nil
}

// nested returns an error if a known setting is nested in an unknown one, as url in smtp.
func nested(group string, node yaml.Node) error {
	if node.Kind != yaml.MappingNode {
		return nil
	}
	for i := 0; i < len(node.Content); i += 2 {
		below := node.Content[i].Value
		for _, name := range []string{group + "-" + below, below} {
			if known(name) {
				return fmt.Errorf("settings are not nested; write %s: and the value in a line of its own, instead of %q in %q", name, below, group)
			}
		}
	}
	return nil
}
