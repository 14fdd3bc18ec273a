package httpapi

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"mime"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/go-playground/validator/v10"
	"github.com/labstack/echo/v4"

	"curfew/backend/fold"
)

// longestBody is far more than any call needs. Of a longer body, at most mostDrained is read and
// dropped.
const (
	longestBody = 64 << 10
	mostDrained = 32 << 20
)

var (
	errMediaType = errors.New("the body is not application/json")
	errEncoded   = errors.New("the body is compressed")
	errTooLarge  = errors.New("the body is too large")
	errEmptyBody = errors.New("the body is empty")
	errNotJSON   = errors.New("the body is not valid JSON")
)

// inputError says which fields of an input are wrong.
type inputError struct{ fields []FieldError }

func (e *inputError) Error() string {
	return fmt.Sprintf("invalid input: %s: %s", e.fields[0].Field, e.fields[0].Message)
}

// invalid returns an error for one field of an input.
func invalid(field, code, message string) error {
	return &inputError{[]FieldError{{Field: field, Code: code, Message: message}}}
}

// bind reads a request's JSON body into a model of the contract and validates it. It is strict:
// unknown, repeated and differently cased names are refused, and so are numbers in quotes.
func bind(c echo.Context, into any) error {
	raw, err := readBody(c, "application/json", longestBody)
	if err != nil {
		return err
	}
	raw = bytes.TrimPrefix(raw, []byte("\ufeff")) // a byte order mark may be skipped (RFC 8259, 8.1)
	if len(raw) == 0 {
		return errEmptyBody
	}
	if err := json.Unmarshal(raw, into, json.RejectUnknownMembers(true), wholeNumbers); err != nil {
		return unreadable(err)
	}
	return checked(into)
}

// readBody reads a body of one media type, of at most limit bytes.
func readBody(c echo.Context, mediaType string, limit int64) ([]byte, error) {
	r := c.Request()
	if coding := strings.Join(r.Header.Values("Content-Encoding"), ","); coding != "" && !strings.EqualFold(coding, "identity") {
		c.Response().Header().Set("Accept-Encoding", "identity") // RFC 9110, 12.5.3
		return nil, errEncoded
	}
	if media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || media != mediaType {
		return nil, errMediaType
	}
	if r.ContentLength <= limit {
		raw, err := io.ReadAll(io.LimitReader(r.Body, limit+1))
		if err != nil {
			return nil, fmt.Errorf("%w: %w", errNotJSON, err)
		}
		if int64(len(raw)) <= limit {
			return raw, nil
		}
	}
	// A client that is still sending would find the connection closed, and read no answer.
	_, _ = io.CopyN(io.Discard, r.Body, mostDrained)
	return nil, errTooLarge
}

// bindOptional is bind for an optional body.
func bindOptional(c echo.Context, into any) error {
	if c.Request().ContentLength == 0 {
		return nil
	}
	err := bind(c, into)
	if errors.Is(err, errEmptyBody) {
		return nil
	}
	return err
}

// wholeNumbers reads 14.0 and 1.4e1 as 14, as JSON Schema does (Core 2020-12, 4.2.2).
var wholeNumbers = json.WithUnmarshalers(json.UnmarshalFromFunc(func(from *jsontext.Decoder, n *int64) error {
	if from.PeekKind() != '0' {
		return errors.ErrUnsupported // not a number: the library returns the error
	}
	number, err := from.ReadValue()
	if err != nil {
		return err
	}
	if *n, err = wholeNumber(string(number)); err != nil {
		return &json.SemanticError{JSONValue: number.Clone(), Err: err}
	}
	return nil
}))

func wholeNumber(number string) (int64, error) {
	number, power, _ := strings.Cut(strings.ToLower(number), "e")
	digits, fraction, _ := strings.Cut(number, ".")
	zeros, err := strconv.Atoi("0" + strings.TrimPrefix(power, "+"))
	if strings.HasPrefix(power, "-") {
		zeros, err = strconv.Atoi(power)
	}
	digits, zeros = digits+fraction, zeros-len(fraction)
	for ; zeros < 0 && strings.HasSuffix(digits, "0"); zeros++ {
		digits = digits[:len(digits)-1]
	}
	switch {
	case strings.Trim(digits, "-0") == "":
		return 0, nil
	case zeros < 0:
		return 0, strconv.ErrSyntax
	case err != nil || zeros > len("9223372036854775807"):
		return 0, strconv.ErrRange
	}
	return strconv.ParseInt(digits+strings.Repeat("0", zeros), 10, 64)
}

// orZero returns an optional value, or its type's zero value.
func orZero[T any](value *T) (v T) {
	if value != nil {
		v = *value
	}
	return v
}

func unreadable(err error) error {
	var misfit *json.SemanticError
	if !errors.As(err, &misfit) {
		return fmt.Errorf("%w: %w", errNotJSON, err)
	}
	field := FieldError{Field: fieldOf(misfit.JSONPointer)}
	switch {
	case errors.Is(err, json.ErrUnknownName):
		field.Code, field.Message = "unknown_field", "There is no such field. Remove it."
	case errors.Is(err, strconv.ErrRange):
		field.Code, field.Message = "max", "The number is too large."
		if misfit.JSONValue[0] == '-' {
			field.Code, field.Message = "min", "The number is too small."
		}
	default:
		field.Code, field.Message = "type", fmt.Sprintf("Expected %s.", expected(misfit.GoType))
	}
	return &inputError{[]FieldError{field}}
}

// fieldOf writes a JSON pointer (RFC 6901) as a path, as in "sessionLength.value".
func fieldOf(pointer jsontext.Pointer) string {
	return strings.Join(slices.Collect(pointer.Tokens()), ".")
}

func expected(t reflect.Type) string {
	for t != nil && t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t == nil {
		return "another type"
	}
	return cmp.Or(map[reflect.Kind]string{
		reflect.Bool: "true or false", reflect.Int64: "a whole number", reflect.String: "a text", reflect.Slice: "a list",
	}[t.Kind()], "an object")
}

var validate = func() *validator.Validate {
	v := validator.New(validator.WithRequiredStructEnabled())
	v.RegisterTagNameFunc(func(field reflect.StructField) string {
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		return name
	})
	// What is hashed counts in bytes; "max" counts characters.
	err := v.RegisterValidation("maxbytes", func(field validator.FieldLevel) bool {
		most, err := strconv.Atoi(field.Param())
		return err == nil && len(field.Field().String()) <= most
	})
	if err != nil {
		panic(err) // only for a name that is empty or reserved
	}
	return v
}()

// checked folds the texts of an input and validates it. It returns an [*inputError] for all fields
// that are wrong.
func checked(input any) error {
	wrong := folded(input)
	err := validate.Struct(input)
	var refused validator.ValidationErrors
	if err != nil && !errors.As(err, &refused) {
		return err
	}
	for _, w := range refused {
		_, path, _ := strings.Cut(w.Namespace(), ".") // without the model's name
		wrong = append(wrong, FieldError{Field: path, Code: strings.TrimSuffix(w.Tag(), "bytes"), Message: advice(w)})
	}
	if len(wrong) > 0 {
		return &inputError{wrong}
	}
	return nil
}

// folded converts the texts that the contract marks to the form of package fold: an address, the
// spelling of one, or a name of limited length. It skips empty texts, which validation judges.
func folded(input any) (wrong []FieldError) {
	fields := reflect.ValueOf(input).Elem()
	for i := range fields.NumField() {
		tag, text := fields.Type().Field(i).Tag, reflect.Indirect(fields.Field(i))
		kind, limit, _ := strings.Cut(tag.Get("fold"), "=")
		if kind == "" || !text.IsValid() || text.String() == "" {
			continue
		}
		var (
			result string
			err    error
		)
		switch kind {
		case "address":
			result, err = fold.Address(text.String())
		case "spelling":
			result, err = fold.AddressSpelling(text.String())
		case "name":
			most, _ := strconv.Atoi(limit)
			result, err = fold.Name(text.String(), most)
		}
		var refused *fold.Error
		if errors.As(err, &refused) {
			name, _, _ := strings.Cut(tag.Get("json"), ",")
			wrong = append(wrong, FieldError{Field: name, Code: refused.Code, Message: refused.Message})
			continue
		}
		text.SetString(result)
	}
	return wrong
}

func advice(w validator.FieldError) string {
	if w.Kind() == reflect.Slice && (w.Tag() == "min" || w.Tag() == "max") {
		return "Name from 1 to 200 of them."
	}
	switch w.Tag() {
	case "required":
		return "This is needed."
	case "min":
		if w.Kind() == reflect.String {
			return "This is needed."
		}
		return "Enter a number of at least " + w.Param() + "."
	case "max":
		return "Use at most " + w.Param() + " characters."
	case "maxbytes":
		return "Use at most " + w.Param() + " bytes."
	case "startswith":
		return "Begin with " + w.Param() + "."
	case "oneof":
		return "Choose one of: " + strings.ReplaceAll(w.Param(), " ", ", ") + "."
	}
	return "This is not valid (" + w.Tag() + ")."
}
