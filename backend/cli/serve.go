package cli

import (
	"errors"
	"fmt"
	"log/slog"
	"strings"

	"github.com/spf13/cobra"

	"curfew/backend/app"
	"curfew/backend/build"
	"curfew/backend/config"
)

func serveCommand(env Environment) *cobra.Command {
	command := &cobra.Command{
		Use:   "serve",
		Short: "Serve the API and the pages.",
		Args:  exactly(0),
	}
	config.Flags(command.Flags())
	command.RunE = func(command *cobra.Command, _ []string) error {
		cfg, err := config.Load(command.Flags(), env.Environ)
		if err != nil {
			return err
		}
		log := slog.New(slog.NewTextHandler(env.Stderr, &slog.HandlerOptions{Level: cfg.LogLevel}))
		curfew, err := app.New(command.Context(), cfg, env.Web, log)
		if err != nil {
			return err
		}
		listener, err := curfew.Listen(command.Context())
		if err != nil {
			return errors.Join(err, curfew.Close())
		}
		fmt.Fprintf(env.Stdout, "\n  Curfew is at    %s\n", cfg.PublicURL)
		if curfew.SetupURL != "" {
			fmt.Fprintf(env.Stdout, "  Set it up at    %s\n", curfew.SetupURL)
		}
		fmt.Fprintf(env.Stdout, "  It keeps all in %s\n\n", cfg.Data)
		return errors.Join(curfew.Serve(command.Context(), listener), curfew.Close())
	}
	return command
}

func configCommand(env Environment) *cobra.Command {
	command := &cobra.Command{
		Use:   "config",
		Short: "Show the settings that serve would use, and check them.",
		Args:  exactly(0),
	}
	config.Flags(command.Flags())
	command.RunE = func(command *cobra.Command, _ []string) error {
		cfg, err := config.Load(command.Flags(), env.Environ)
		if err != nil {
			return err
		}
		proxies := make([]string, len(cfg.TrustedProxies))
		for i, network := range cfg.TrustedProxies {
			proxies[i] = network.String()
		}
		var smtpURL, smtpFrom string
		if cfg.Mail != nil {
			smtpURL, smtpFrom = cfg.Mail.String(), cfg.Mail.From.String()
		}
		fmt.Fprintf(env.Stdout, "data: %s\nlisten: %s\npublic-url: %s\ntrusted-proxies: %q\naccess-token-lifetime: %s\nsmtp-url: %q\nsmtp-from: %q\nlog-level: %s\n",
			cfg.Data, cfg.Listen, cfg.PublicURL, strings.Join(proxies, ","), cfg.AccessTokenLifetime, smtpURL, smtpFrom, strings.ToLower(cfg.LogLevel.String()))
		return nil
	}
	return command
}

func versionCommand(env Environment) *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Show what this program was built from.",
		Args:  exactly(0),
		RunE: func(*cobra.Command, []string) error {
			_, err := fmt.Fprintln(env.Stdout, build.Read())
			return err
		},
	}
}

// oneLine is an error as an operator wants to read it.
func oneLine(err error) string { return strings.Join(strings.Fields(err.Error()), " ") }
