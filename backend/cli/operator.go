package cli

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"log/slog"
	"net/url"
	"slices"
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

// operator runs one of the operator's commands.
type operator struct {
	Environment
	ctx    context.Context //nolint:containedctx // it lives for one command
	client *app.OperatorClient
	// json is the flag --json, and yes the flag --yes.
	json, yes bool
	// answer is the last answer, as the API sent it.
	answer []byte
}

// group makes a command that holds the operator's commands about one thing.
func (o *operator) group(use, short string, commands ...*cobra.Command) *cobra.Command {
	command := &cobra.Command{
		Use: use, Short: short, Args: usage(cobra.NoArgs), RunE: help,
		Long: short + `

It calls the server that runs on the data folder, so changes apply at once. If no server runs, it opens
the data folder itself. It needs the right to write the data folder.

` + exitCodes,
	}
	o.addFlags(command.PersistentFlags())
	command.AddCommand(commands...)
	return command
}

// addFlags adds the flags of all of the operator's commands.
func (o *operator) addFlags(flags *pflag.FlagSet) {
	config.Flags(flags, "data", "public-url", "log-level")
	flags.BoolVar(&o.json, "json", false, "print the API's answer, as JSON")
}

// addYes adds the flag with which [operator.confirm] does not ask.
func (o *operator) addYes(command *cobra.Command) {
	command.Flags().BoolVar(&o.yes, "yes", false, "do not ask for confirmation; required without a terminal")
}

// readOnly makes the command call the API without changing anything. It does not upgrade a data
// folder of an older schema either.
func (o *operator) readOnly(command *cobra.Command, work func(args []string) error) *cobra.Command {
	return o.connected(command, true, work)
}

// readWrite makes the command call the API.
func (o *operator) readWrite(command *cobra.Command, work func(args []string) error) *cobra.Command {
	return o.connected(command, false, work)
}

func (o *operator) connected(command *cobra.Command, readOnly bool, work func(args []string) error) *cobra.Command {
	command.RunE = func(command *cobra.Command, args []string) (err error) {
		cfg, err := config.Load(command.Flags(), o.Environ)
		if err != nil {
			return err
		}
		log := slog.New(slog.DiscardHandler) // a command logs only at debug
		if cfg.LogLevel == slog.LevelDebug {
			log = newLog(o.Environment, cfg)
		}
		o.ctx = command.Context()
		if o.client, err = app.OpenOperatorClient(o.ctx, cfg, log, readOnly); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, o.client.Close()) }()
		if from := o.client.UpgradedFrom(); from > 0 {
			fmt.Fprintf(o.Stderr, "The database had schema %d and was upgraded.\n", from)
		}
		return work(args)
	}
	return command
}

// show makes the command that reads and prints what a path of the API returns.
func show[T any](o *operator, short, path string, print func(T) error) *cobra.Command {
	command := &cobra.Command{Use: "show", Short: short, Args: usage(cobra.NoArgs)}
	return o.readOnly(command, func([]string) error {
		var answer T
		if err := o.get(path, &answer); err != nil {
			return err
		}
		return print(answer)
	})
}

// call sends a request and decodes the answer into the model. The tags of ifMatch go into If-Match.
func (o *operator) call(method, target string, body, model any, ifMatch ...string) error {
	answer, err := o.client.Call(o.ctx, method, target, body, ifMatch...)
	if err != nil {
		return err
	}
	o.answer, err = io.ReadAll(answer)
	if err := errors.Join(err, answer.Close()); err != nil {
		return fmt.Errorf("the answer broke off: %w", err)
	}
	return decode(o.answer, model)
}

func (o *operator) get(target string, model any) error {
	return o.call("GET", target, nil, model)
}

func (o *operator) post(target string, body, model any) error {
	return o.call("POST", target, body, model)
}

func decode(answer []byte, model any) error {
	if err := json.Unmarshal(answer, model); err != nil {
		return fmt.Errorf("this program cannot read the server's answer: %w", err)
	}
	return nil
}

// print prints the text or, with --json, the last answer.
func (o *operator) print(format string, args ...any) error {
	if o.json {
		_, err := o.Stdout.Write(o.answer)
		return err
	}
	_, err := fmt.Fprintf(o.Stdout, format, args...)
	return err
}

// confirm says what is about to happen and asks at the terminal whether to go on. Without a
// terminal,
// --yes is required.
func (o *operator) confirm(format string, args ...any) error {
	what := fmt.Sprintf(format, args...)
	if !o.yes && (o.Stdin == nil || !isatty.IsTerminal(o.Stdin.Fd())) {
		return misuse(fmt.Errorf("%s Nothing was changed: there is no terminal to ask at; to go on, add --yes", what))
	}
	fmt.Fprintln(o.Stderr, what)
	if o.yes {
		return nil
	}
	fmt.Fprintf(o.Stderr, "Go on? [y/N] ")
	answer, err := bufio.NewReader(o.Stdin).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("read the answer: %w", err)
	}
	if answer = strings.ToLower(strings.TrimSpace(answer)); answer != "y" && answer != "yes" {
		return errors.New("nothing was changed")
	}
	return nil
}

// requireOneOf refuses a command that is given none of the flags.
func requireOneOf(command *cobra.Command, flags ...string) {
	command.PreRunE = func(*cobra.Command, []string) error {
		if slices.ContainsFunc(flags, command.Flags().Changed) {
			return nil
		}
		return misuse(fmt.Errorf("nothing to change: use --%s", strings.Join(flags, " or --")))
	}
}

// suggest sets the values that the shell completes for a flag.
func suggest(command *cobra.Command, flag string, values ...cobra.Completion) {
	if err := command.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoFileComp)); err != nil {
		panic(err) // the flag does not exist
	}
}

// addQuery adds the flags that were given to a query, under their names. An empty value is the
// API's to refuse.
func addQuery(query url.Values, flags *pflag.FlagSet, names ...string) {
	for _, name := range names {
		if flag := flags.Lookup(name); flag.Changed {
			query.Set(name, flag.Value.String())
		}
	}
}

// list is a list of the API, up to the limit of items, or whole if it is 0.
type list struct {
	path  string
	query url.Values
	limit int
}

// page is a page of any list.
type page struct {
	Items      []json.RawMessage `json:"items"`
	Total      int64             `json:"total"`
	NextCursor string            `json:"nextCursor"`
}

// printList prints a list as one JSON object of the form of a page, or in columns.
func printList[T any](o *operator, of list, columns string, row func(T) []string) error {
	table := tabwriter.NewWriter(o.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, columns)
	before, after := `{"items":[`, ""
	for page, err := range o.pages(of) {
		if err != nil {
			return err
		}
		after = fmt.Sprintf("],\"total\":%d}\n", page.Total)
		for _, raw := range page.Items {
			if o.json {
				if _, err := fmt.Fprintf(o.Stdout, "%s%s", before, raw); err != nil {
					return err
				}
				before = ",\n"
				continue
			}
			var item T
			if err := decode(raw, &item); err != nil {
				return err
			}
			cells := row(item)
			for i, cell := range cells {
				cells[i] = fold.Printable(cell)
			}
			fmt.Fprintln(table, strings.Join(cells, "\t"))
		}
	}
	if !o.json {
		return table.Flush()
	}
	_, err := fmt.Fprint(o.Stdout, strings.TrimPrefix(before, ",\n"), after)
	return err
}

// pages returns the pages of a list.
func (o *operator) pages(of list) iter.Seq2[page, error] {
	return func(yield func(page, error) bool) {
		for seen := 0; ; {
			size := 200
			if of.limit > 0 {
				size = min(size, of.limit-seen)
			}
			of.query.Set("limit", strconv.Itoa(size))
			var found page
			err := o.get(of.path+"?"+of.query.Encode(), &found)
			seen += len(found.Items)
			if !yield(found, err) || err != nil || found.NextCursor == "" || seen == of.limit {
				return
			}
			of.query.Set("cursor", found.NextCursor)
		}
	}
}

// clock formats a time for people, in the local zone and with its offset.
func clock(t time.Time) string { return t.Local().Format("2006-01-02 15:04 -07:00") }

// count formats a number with its noun.
func count(n int64, noun string) string {
	switch {
	case n == 1:
	case noun == "entry":
		noun = "entries"
	default:
		noun += "s"
	}
	return fmt.Sprintf("%d %s", n, noun)
}
