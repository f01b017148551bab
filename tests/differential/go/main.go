// Answers decisions and function calls with Casbin's Go implementation.
//
// Reads one JSON object a line and writes one JSON object a line, in order.
// A line is either a case, {"model", "policy", "role_matching", "requests"},
// or {"calls"}. See tests/differential/src/wire.rs for the other side.
package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"reflect"
	"strings"

	"github.com/casbin/casbin"
	"github.com/casbin/casbin/model"
	"github.com/casbin/casbin/persist"
	"github.com/casbin/casbin/rbac"
	"github.com/casbin/casbin/util"
)

// A question is one line of input.
type question struct {
	Model        string              `json:"model"`
	Policy       string              `json:"policy"`
	RoleMatching map[string]matching `json:"role_matching"`
	Requests     []request           `json:"requests"`
	Rows         string              `json:"rows"`
	Calls        []call              `json:"calls"`
}

// A matching names the functions that one role graph uses.
type matching struct {
	Role   string `json:"role"`
	Domain string `json:"domain"`
}

// A request has its arguments and the names of the definitions to use, such
// as r2, p2, e2, m2; no names for the default.
type request struct {
	Args    []interface{} `json:"args"`
	Context []string      `json:"context"`
}

// A call is a built-in function and its arguments.
type call struct {
	Function string   `json:"function"`
	Args     []string `json:"args"`
}

// An answer is what came of one request or call; one field is set, besides
// the rule of a decision.
type answer struct {
	Allow *bool       `json:"allow,omitempty"`
	Rule  []string    `json:"rule,omitempty"`
	Value interface{} `json:"value,omitempty"`
	Error string      `json:"error,omitempty"`
	Panic string      `json:"panic,omitempty"`
}

// A reply is one line of output.
type reply struct {
	Refused string     `json:"refused,omitempty"`
	Answers []answer   `json:"answers,omitempty"`
	Rows    [][]string `json:"rows,omitempty"`
}

// lines is a policy held as text, read as the file adapter reads a file.
type lines string

func (l lines) LoadPolicy(m model.Model) error {
	for _, line := range strings.Split(string(l), "\n") {
		if err := persist.LoadPolicyLine(strings.TrimSpace(line), m); err != nil {
			return err
		}
	}
	return nil
}

var errReadOnly = errors.New("the policy is read-only")

func (lines) SavePolicy(model.Model) error                              { return errReadOnly }
func (lines) AddPolicy(string, string, []string) error                  { return errReadOnly }
func (lines) RemovePolicy(string, string, []string) error               { return errReadOnly }
func (lines) RemoveFilteredPolicy(string, string, int, ...string) error { return errReadOnly }

var functions = map[string]func(...interface{}) (interface{}, error){
	"keyMatch":   util.KeyMatchFunc,
	"keyMatch2":  util.KeyMatch2Func,
	"keyMatch3":  util.KeyMatch3Func,
	"keyMatch4":  util.KeyMatch4Func,
	"keyMatch5":  util.KeyMatch5Func,
	"keyGet":     util.KeyGetFunc,
	"keyGet2":    util.KeyGet2Func,
	"keyGet3":    util.KeyGet3Func,
	"regexMatch": util.RegexMatchFunc,
	"ipMatch":    util.IPMatchFunc,
	"globMatch":  util.GlobMatchFunc,
}

// roleMatching is a built-in function in the form that role graphs take.
func roleMatching(name string) rbac.MatchingFunc {
	function := functions[name]
	return func(text, pattern string) bool {
		result, err := function(text, pattern)
		return err == nil && result.(bool)
	}
}

func main() {
	in := bufio.NewScanner(os.Stdin)
	in.Buffer(make([]byte, 1<<20), 1<<28)
	out := bufio.NewWriter(os.Stdout)
	encoder := json.NewEncoder(out)
	encoder.SetEscapeHTML(false)
	for in.Scan() {
		var q question
		if err := json.Unmarshal(in.Bytes(), &q); err != nil {
			fmt.Fprintln(os.Stderr, "the line cannot be read:", err)
			os.Exit(1)
		}
		if err := encoder.Encode(q.reply()); err != nil {
			fmt.Fprintln(os.Stderr, "the reply cannot be written:", err)
			os.Exit(1)
		}
		if err := out.Flush(); err != nil {
			fmt.Fprintln(os.Stderr, "the reply cannot be written:", err)
			os.Exit(1)
		}
	}
	if err := in.Err(); err != nil {
		fmt.Fprintln(os.Stderr, "the input cannot be read:", err)
		os.Exit(1)
	}
}

func (q question) reply() reply {
	if q.Calls != nil {
		answers := make([]answer, len(q.Calls))
		for i, c := range q.Calls {
			answers[i] = c.answer()
		}
		return reply{Answers: answers}
	}
	enforcer, err := q.load()
	if err != nil {
		return reply{Refused: firstLine(err.Error())}
	}
	answers := make([]answer, len(q.Requests))
	for i, r := range q.Requests {
		answers[i] = r.answer(enforcer)
	}
	var rows [][]string
	if q.Rows != "" {
		rows = enforcer.GetModel()["p"][q.Rows].Policy
	}
	return reply{Answers: answers, Rows: rows}
}

func (q question) load() (enforcer *casbin.Enforcer, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("panic: %v", r)
		}
	}()
	m, err := model.NewModelFromString(q.Model)
	if err != nil {
		return nil, err
	}
	enforcer, err = casbin.NewEnforcer(m, lines(q.Policy))
	if err != nil {
		return nil, err
	}
	for graph, functions := range q.RoleMatching {
		if functions.Role != "" {
			enforcer.AddNamedMatchingFunc(graph, functions.Role, roleMatching(functions.Role))
		}
		if functions.Domain != "" {
			enforcer.AddNamedDomainMatchingFunc(graph, functions.Domain, roleMatching(functions.Domain))
		}
	}
	return enforcer, nil
}

func (r request) answer(enforcer *casbin.Enforcer) (result answer) {
	defer func() {
		if r := recover(); r != nil {
			result = answer{Panic: firstLine(fmt.Sprint(r))}
		}
	}()
	var values []interface{}
	if len(r.Context) == 4 {
		values = append(values, casbin.EnforceContext{
			RType: r.Context[0], PType: r.Context[1], EType: r.Context[2], MType: r.Context[3],
		})
	}
	for _, value := range r.Args {
		values = append(values, native(value))
	}
	allow, rule, err := enforcer.EnforceEx(values...)
	if err != nil {
		// Enforce recovers by itself and reports a panic as an error.
		text := firstLine(err.Error())
		if after := strings.TrimPrefix(text, "panic: "); after != text {
			return answer{Panic: after}
		}
		return answer{Error: text}
	}
	return answer{Allow: &allow, Rule: rule}
}

func (c call) answer() (result answer) {
	defer func() {
		if r := recover(); r != nil {
			result = answer{Panic: firstLine(fmt.Sprint(r))}
		}
	}()
	function, known := functions[c.Function]
	if !known {
		return answer{Error: "there is no function " + c.Function}
	}
	args := make([]interface{}, len(c.Args))
	for i, arg := range c.Args {
		args[i] = arg
	}
	value, err := function(args...)
	if err != nil {
		return answer{Error: firstLine(err.Error())}
	}
	return answer{Value: value}
}

// native is a JSON value as Go programs pass it to Casbin: an object becomes a
// struct, since matchers reach the fields of structs only.
func native(value interface{}) interface{} {
	object, ok := value.(map[string]interface{})
	if !ok {
		return value
	}
	var fields []reflect.StructField
	var values []reflect.Value
	for name, value := range object {
		field := reflect.ValueOf(native(value))
		if !field.IsValid() {
			continue
		}
		fields = append(fields, reflect.StructField{Name: name, Type: field.Type()})
		values = append(values, field)
	}
	result := reflect.New(reflect.StructOf(fields)).Elem()
	for i, value := range values {
		result.Field(i).Set(value)
	}
	return result.Interface()
}

func firstLine(text string) string {
	if i := strings.IndexByte(text, '\n'); i >= 0 {
		text = text[:i]
	}
	if text == "" {
		text = "no text"
	}
	return text
}
