package httpapi

import (
	"fmt"
	"net/http"

	"github.com/labstack/echo/v4"

	"curfew/backend/member"
)

func (a *API) getSetup(c echo.Context) error {
	required, err := a.Members.SetupRequired(c.Request().Context())
	if err != nil {
		return err
	}
	state := SetupState{Required: required}
	if !required {
		state.Organization = new(wireOrganization(a.Sessions.Organization()))
	}
	return c.JSON(http.StatusOK, state)
}

func (a *API) setUp(c echo.Context, in SetupRequest) error {
	owner, err := a.Members.SetUp(c.Request().Context(), member.Setup{
		Token: in.SetupToken, Organization: in.Organization, Name: in.Name, Email: in.Email, Password: in.Password,
	}, a.origin(c))
	if err != nil {
		return err
	}
	if err := a.SetUp(c.Request().Context()); err != nil {
		return fmt.Errorf("finish the set-up: %w", err)
	}
	return c.JSON(http.StatusCreated, SetupResult{Member: wireMember(owner), Organization: Organization{Name: in.Organization}})
}
