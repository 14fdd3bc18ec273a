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
	command := &cobra.Command{Use: "serve", Short: "Serve the API and the pages.", Args: usage(cobra.NoArgs)}
	return configured(env, command, nil, func(cfg config.Config, _ []string) error {
		curfew, err := app.New(command.Context(), cfg, env.Web, newLog(env, cfg))
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
		fmt.Fprintf(env.Stdout, "  Its data is in  %s\n\n", cfg.Data)
		return errors.Join(curfew.Serve(command.Context(), listener), curfew.Close())
	})
}

func newLog(env Environment, cfg config.Config) *slog.Logger {
	return slog.New(slog.NewTextHandler(env.Stderr, &slog.HandlerOptions{Level: cfg.LogLevel}))
}

func configCommand(env Environment) *cobra.Command {
	command := &cobra.Command{Use: "config", Short: "Check the settings that serve would use, and show them.", Args: usage(cobra.NoArgs)}
	return configured(env, command, nil, func(cfg config.Config, _ []string) error {
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
	})
}

func versionCommand(env Environment) *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: "Show what this program was built from.", Args: usage(cobra.NoArgs),
		RunE: func(*cobra.Command, []string) error {
			_, err := fmt.Fprintln(env.Stdout, build.Read())
			return err
		},
	}
}
