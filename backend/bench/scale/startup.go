package scale

import (
	"context"
	"errors"
	"net/http"
	"time"

	"curfew/backend/bench/population"
	"curfew/backend/bench/program"
)

// startUp starts the program on a data folder and stops it again. It returns how long it took until
// a session had its first list, which needs all sessions in memory.
func startUp(ctx context.Context, curfew, folder string, size int) (_ time.Duration, err error) {
	tokens, err := population.OpenTokens(folder, membersOf(size))
	if err != nil {
		return 0, err
	}
	token, err := tokens.Of(1 + size/2)
	if err != nil {
		return 0, err
	}
	began := time.Now()
	server, err := program.Start(ctx, nil, curfew, "serve", "--data", folder)
	if err != nil {
		return 0, err
	}
	list := program.Bearer(http.MethodGet, "/api/sessions", token)
	_, err = program.Want(ctx, server.Address, list, http.StatusOK)
	took := time.Since(began)
	return took, errors.Join(err, server.Stop())
}
