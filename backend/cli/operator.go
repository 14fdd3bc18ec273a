package cli

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/url"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/mattn/go-isatty"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"curfew/backend/app"
	"curfew/backend/config"
	"curfew/backend/fold"
)

// operator is one command of the operator's at work.
type operator struct {
	env    Environment
	ctx    context.Context //nolint:containedctx // it lives for one command
	client *app.OperatorClient
	// json prints what the API answers, as it is.
	json bool
	// yes asks for no leave.
	yes bool
}

// group is a command that holds the operator's commands about one thing, with the flags that they share.
func group(use, short string, commands ...*cobra.Command) *cobra.Command {
	command := &cobra.Command{
		Use: use, Short: short, Args: exactly(0), RunE: help,
		Long: short + `

It works through the server that runs on the data folder, at once and for everybody who is signed in there; or without one, if none runs.
Whoever can write the data folder can do it.

` + exitCodes,
	}
	operatorFlags(command.PersistentFlags())
	command.AddCommand(commands...)
	return command
}

// operatorFlags are the flags of every command that goes through the operator's door.
func operatorFlags(flags *pflag.FlagSet) {
	config.Flags(flags, "data", "public-url", "log-level")
	flags.Bool("json", false, "print what the API answers, as JSON")
}

// asReader is asOperator for a command that changes nothing, and so upgrades no data folder of an
// older program either.
func asReader(env Environment, command *cobra.Command, work func(o *operator, args []string) error) *cobra.Command {
	command.Annotations = map[string]string{readsAlone: "true"}
	return asOperator(env, command, work)
}

const readsAlone = "reads alone"

// asOperator makes the command do its work through the operator's door.
func asOperator(env Environment, command *cobra.Command, work func(o *operator, args []string) error) *cobra.Command {
	command.RunE = func(command *cobra.Command, args []string) (err error) {
		cfg, err := config.Load(command.Flags(), env.Environ)
		if err != nil {
			return err
		}
		o := &operator{env: env, ctx: command.Context()}
		if o.json, err = command.Flags().GetBool("json"); err != nil {
			return err
		}
		if command.Flags().Lookup("yes") != nil {
			if o.yes, err = command.Flags().GetBool("yes"); err != nil {
				return err
			}
		}
		// Without a server there is no log; it is of use to whoever asks for everything.
		log := slog.New(slog.DiscardHandler)
		if cfg.LogLevel == slog.LevelDebug {
			log = slog.New(slog.NewTextHandler(env.Stderr, &slog.HandlerOptions{Level: cfg.LogLevel}))
		}
		if o.client, err = app.OpenOperatorClient(command.Context(), cfg, log, command.Annotations[readsAlone] != ""); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, o.client.Close()) }()
		if from := o.client.UpgradedFrom(); from > 0 {
			fmt.Fprintf(env.Stderr, "The database had schema %d, and was brought to this program's.\n", from)
		}
		return work(o, args)
	}
	return command
}

// read reads the answer of a call into a model. It is made to be handed what the door gives.
func (o *operator) read(model any) func(io.ReadCloser, error) ([]byte, error) {
	return func(body io.ReadCloser, err error) ([]byte, error) {
		if err != nil {
			return nil, err
		}
		raw, err := io.ReadAll(body)
		if err := errors.Join(err, body.Close()); err != nil {
			return nil, fmt.Errorf("the answer broke off: %w", err)
		}
		if err := json.Unmarshal(raw, model); err != nil {
			return nil, fmt.Errorf("the server's answer makes no sense to this program: %w", err)
		}
		return raw, nil
	}
}

// print prints the answer as it is or, for people, in words.
func (o *operator) print(raw []byte, words string, args ...any) error {
	if o.json {
		_, err := o.env.Stdout.Write(raw)
		return err
	}
	_, err := fmt.Fprintf(o.env.Stdout, words, args...)
	return err
}

// confirm says what is about to happen and asks for leave, at a terminal; without one it has to be given beforehand.
func (o *operator) confirm(words string, args ...any) error {
	what := fmt.Sprintf(words, args...)
	if !o.yes && (o.env.Stdin == nil || !isatty.IsTerminal(o.env.Stdin.Fd())) {
		return misuse(fmt.Errorf("%s Nothing was changed: there is no terminal to ask at; if you mean it, say --yes", what))
	}
	fmt.Fprintln(o.env.Stderr, what)
	if o.yes {
		return nil
	}
	fmt.Fprintf(o.env.Stderr, "Go on? [y/N] ")
	answer, err := bufio.NewReader(o.env.Stdin).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("read the answer: %w", err)
	}
	switch strings.ToLower(strings.TrimSpace(answer)) {
	case "y", "yes":
		return nil
	}
	return errors.New("nothing was changed")
}

// page is a page of any list of the API.
type page struct {
	Items      []json.RawMessage `json:"items"`
	Total      int64             `json:"total"`
	NextCursor string            `json:"nextCursor"`
}

// printList prints a list, page by page: as one JSON object of the same form as a page, or in columns. The limit is how many of it to print;
// 0 for all.
func printList[T any](o *operator, path string, query url.Values, limit int, columns string, row func(T) []string) error {
	table := tabwriter.NewWriter(o.env.Stdout, 0, 0, 2, ' ', 0)
	if !o.json {
		fmt.Fprintln(table, columns)
	}
	total, before := int64(0), `{"items":[`
	err := eachItem(o, path, query, limit, func(list page, raw json.RawMessage) error {
		total = list.Total
		if o.json {
			_, err := fmt.Fprintf(o.env.Stdout, "%s%s", before, raw)
			before = ",\n"
			return err
		}
		var item T
		if err := json.Unmarshal(raw, &item); err != nil {
			return fmt.Errorf("the server's answer makes no sense to this program: %w", err)
		}
		cells := row(item)
		for i, cell := range cells {
			cells[i] = fold.Printable(cell)
		}
		_, err := fmt.Fprintln(table, strings.Join(cells, "\t"))
		return err
	})
	switch {
	case err != nil:
		return err
	case o.json && total == 0:
		_, err = fmt.Fprintln(o.env.Stdout, `{"items":[],"total":0}`)
		return err
	case o.json:
		_, err = fmt.Fprintf(o.env.Stdout, "],\"total\":%d}\n", total)
		return err
	}
	return table.Flush()
}

// eachItem calls f with every item of a list, up to the limit.
func eachItem(o *operator, path string, query url.Values, limit int, f func(list page, raw json.RawMessage) error) error {
	for seen := 0; ; {
		query.Set("limit", "200")
		if limit > 0 {
			query.Set("limit", strconv.Itoa(min(200, limit-seen)))
		}
		var list page
		if _, err := o.read(&list)(o.client.Get(o.ctx, path, query)); err != nil {
			return err
		}
		for _, raw := range list.Items {
			if err := f(list, raw); err != nil {
				return err
			}
		}
		seen += len(list.Items)
		if list.NextCursor == "" || limit > 0 && seen >= limit {
			return nil
		}
		query.Set("cursor", list.NextCursor)
	}
}

// clock is a time as people here read it, with the offset from UTC.
func clock(t time.Time) string { return t.Local().Format("2006-01-02 15:04 -07:00") }

// count is a number with its noun.
func count(n int64, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
