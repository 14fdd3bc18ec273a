package meta

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// handed is what is called through a function that was handed over, while a lock is held. Whom such a call reaches cannot be read off it, so it
// is said here; one that is missing is a fault.
var handed = map[string][]string{
	"session.Service.announce": {"httpapi.API.announce"},
	"session.Service.now":      {"session.Clock.Now"},
	"session.Clock.wall":       {}, // they read the machine's clocks
	"session.Clock.elapsed":    {},
	"httpapi.API.Now":          {"session.Clock.Now"},
	"httpapi.API.Ready":        {"store.DB.Ready"},
	"store.DB.EachLive f":      {"session.roster.load"},
	// What package member does to a member, in one call of the store.
	"session.Service.FollowMember change": {"store.DB.ChangeMember", "store.DB.UseLink", "store.DB.ResetPassword"},
	"session.Service.ForgetMember remove": {"store.DB.RemoveMember"},
	// What a preview and a search ask of each session, and a save of the version in force. They compute.
	"session.roster.each f":     {},
	"session.roster.look picks": {},

	"session.Service.savePolicy over": {},
}

var lockInOrder = regexp.MustCompile(`(?m)^//\t([a-z]+\.\w+\.\w+)  `)

// TestLocksAreTakenInOneOrder: whoever holds a lock takes only locks that stand below it in the list in doc.go, directly or through whatever
// they call, so that no two can wait for each other. Every lock is on the list. The source is read as if every branch were taken, every
// implementation of an interface called, and every function literal called where it stands.
//
// ASVS 15.4.3
func TestLocksAreTakenInOneOrder(t *testing.T) {
	text, err := os.ReadFile("../doc.go")
	require.NoError(t, err)
	order := map[string]int{}
	for i, found := range lockInOrder.FindAllSubmatch(text, -1) {
		order[string(found[1])] = i
	}

	l := readLocks(t)
	require.ElementsMatch(t, slices.Collect(maps.Keys(order)), slices.Collect(maps.Values(l.locks)), "the locks of the source, and those of doc.go")
	taken := l.taken()
	for pair, where := range taken {
		if order[pair[0]] >= order[pair[1]] {
			t.Errorf("%s: %s is taken while %s is held, against the order in doc.go", where, pair[1], pair[0])
		}
	}
	// A walk that sees nothing proves nothing: within one function, through a call, through an interface and what was handed over, and across rooms.
	for _, pair := range [][2]string{
		{"session.roster.mu", "session.shard.mu"}, {"session.shard.mu", "session.shard.touchedMu"}, {"session.Service.changes", "session.roster.mu"},
		{"session.Service.changes", "store.EachLive.calling"}, {"session.Service.changes", "session.shard.touchedMu"},
	} {
		require.Contains(t, taken, pair)
	}
	for _, names := range handed {
		for _, name := range names {
			require.Contains(t, slices.Collect(maps.Keys(l.functions)), name)
		}
	}
	for call, where := range l.unknown {
		t.Errorf("%s: whom %q calls while a lock is held has to be said in handed", where, call)
	}
}

// locking is what is known of the locks in the source.
type locking struct {
	set   *token.FileSet
	info  *types.Info
	locks map[types.Object]string
	// methods are all of them by their bare names, for calls through an interface.
	methods   map[string][]string
	functions map[string]*function
	unknown   map[string]string
}

// function is what one function does about locks. What it calls stands beside what it holds then.
type function struct {
	name     string
	takes    map[string]bool
	calls    []call
	acquires []acquisition
}

type call struct {
	held  []string
	names []string
	where token.Pos
}

type acquisition struct {
	held  []string
	lock  string
	where token.Pos
}

// standard is as much of the standard library as our own types stand behind.
var standard = map[string]string{
	"iter": `package iter; type Seq[V any] func(yield func(V) bool)`,
	"sync/atomic": `package atomic
		type Pointer[T any] struct{}; func (*Pointer[T]) Load() *T { return nil }
		type Int64 struct{}; func (Int64) Load() (n int64) { return }; func (Int64) CompareAndSwap(_, _ int64) (done bool) { return }
		type Bool struct{}; func (Bool) Load() (is bool) { return }`,
}

// ours makes packages of others look empty: what they do about their own locks is theirs. Errors that come of it do not matter, because
// what is ours is known all the same.
type ours map[string]*types.Package

func (o ours) Import(path string) (*types.Package, error) {
	if o[path] == nil {
		o[path] = types.NewPackage(path, filepath.Base(path))
		o[path].MarkComplete()
	}
	return o[path], nil
}

func readLocks(t *testing.T) *locking {
	t.Helper()
	set, files := product(t)
	rooms := map[string][]*ast.File{}
	for _, path := range slices.Sorted(maps.Keys(files)) {
		rooms[filepath.Dir(path)] = append(rooms[filepath.Dir(path)], files[path])
	}
	l := &locking{
		set: set, locks: map[types.Object]string{}, methods: map[string][]string{}, functions: map[string]*function{}, unknown: map[string]string{},
		info: &types.Info{Defs: map[*ast.Ident]types.Object{}, Uses: map[*ast.Ident]types.Object{}, Selections: map[*ast.SelectorExpr]*types.Selection{}, Types: map[ast.Expr]types.TypeAndValue{}},
	}
	known := ours{}
	for path, text := range standard {
		file, err := parser.ParseFile(set, path, text, 0)
		require.NoError(t, err)
		known[path], err = (&types.Config{}).Check(path, set, []*ast.File{file}, nil)
		require.NoError(t, err)
	}
	for _, room := range []string{"audit", "durable", "fault", "live", "mail", "refusal", "spa", "token", "member", "session", "store", "config", "httpapi", "app", "cli"} {
		checker := types.Config{Importer: known, Error: func(error) {}, IgnoreFuncBodies: false}
		made, _ := checker.Check("curfew/backend/"+room, set, rooms[room], l.info)
		known["curfew/backend/"+room] = made
		for _, file := range rooms[room] {
			l.declare(room, file)
		}
	}
	for _, room := range slices.Sorted(maps.Keys(rooms)) {
		for _, file := range rooms[room] {
			for _, declared := range file.Decls {
				if f, is := declared.(*ast.FuncDecl); is && f.Body != nil {
					l.read(f)
				}
			}
		}
	}
	return l
}

// declare notes the locks and the functions of a file: a lock is a field, or a variable within a function.
func (l *locking) declare(room string, file *ast.File) {
	note := func(owner string, names []*ast.Ident, kind ast.Expr) {
		if selected, is := kind.(*ast.SelectorExpr); is && slices.Contains([]string{"Mutex", "RWMutex"}, selected.Sel.Name) {
			for _, name := range names {
				l.locks[l.info.Defs[name]] = room + "." + owner + "." + name.Name
			}
		}
	}
	for _, declared := range file.Decls {
		owner := ""
		if f, is := declared.(*ast.FuncDecl); is {
			owner = f.Name.Name
			if f.Recv != nil {
				l.methods[owner] = append(l.methods[owner], l.nameOf(l.info.Defs[f.Name]))
			}
		}
		ast.Inspect(declared, func(node ast.Node) bool {
			switch node := node.(type) {
			case *ast.TypeSpec:
				owner = node.Name.Name
			case *ast.Field:
				note(owner, node.Names, node.Type)
			case *ast.ValueSpec:
				note(owner, node.Names, node.Type)
			}
			return true
		})
	}
}

// nameOf is a function's, as room.Type.Method or room.Function.
func (l *locking) nameOf(object types.Object) string {
	f, is := object.(*types.Func)
	if !is || f.Pkg() == nil {
		return ""
	}
	room := filepath.Base(f.Pkg().Path())
	if receiver := f.Signature().Recv(); receiver != nil {
		kind := receiver.Type()
		if pointer, is := kind.(*types.Pointer); is {
			kind = pointer.Elem()
		}
		if named, is := kind.(*types.Named); is {
			return room + "." + named.Obj().Name() + "." + f.Name()
		}
	}
	return room + "." + f.Name()
}

func (l *locking) read(f *ast.FuncDecl) {
	name := l.nameOf(l.info.Defs[f.Name])
	l.functions[name] = &function{name: name, takes: map[string]bool{}}
	l.walk(l.functions[name], f.Body, &[]string{})
}

// walk goes through the code in its order. A block gives back what it holds at its end, and a goroutine begins with nothing.
func (l *locking) walk(in *function, node ast.Node, held *[]string) {
	ast.Inspect(node, func(inner ast.Node) bool {
		switch inner := inner.(type) {
		case *ast.BlockStmt:
			if inner == node {
				return true
			}
			own := slices.Clone(*held)
			l.walk(in, inner, &own)
			return false
		case *ast.GoStmt:
			beside := &function{name: in.name + " beside", takes: map[string]bool{}}
			l.functions[fmt.Sprint(beside.name, inner.Pos())] = beside
			l.walk(beside, inner.Call, &[]string{})
			return false
		case *ast.DeferStmt:
			if _, unlocks := l.lockOf(inner.Call, "Unlock", "RUnlock"); unlocks {
				return false // at the end
			}
		case *ast.CallExpr:
			if lock, is := l.lockOf(inner, "Lock", "RLock", "TryLock", "TryRLock"); is {
				in.takes[lock] = true
				in.acquires = append(in.acquires, acquisition{slices.Clone(*held), lock, inner.Pos()})
				*held = append(*held, lock)
				return false
			}
			if lock, is := l.lockOf(inner, "Unlock", "RUnlock"); is {
				if at := slices.Index(*held, lock); at >= 0 {
					*held = slices.Delete(*held, at, at+1)
				}
				return false
			}
			l.dynamic(in, inner, *held)
		case *ast.SelectorExpr:
			if l.info.Uses[inner.Sel] == nil && !l.isPackage(inner.X) { // of a type that is not ours: behind an interface it may be one of our methods
				in.calls = append(in.calls, call{slices.Clone(*held), l.methods[inner.Sel.Name], inner.Pos()})
			}
		case *ast.Ident:
			if called, is := l.info.Uses[inner].(*types.Func); is {
				names := []string{l.nameOf(called)}
				if receiver := called.Signature().Recv(); receiver != nil && types.IsInterface(receiver.Type()) {
					names = l.implementations(called)
				}
				in.calls = append(in.calls, call{slices.Clone(*held), names, inner.Pos()})
			}
		}
		return true
	})
}

func (l *locking) isPackage(of ast.Expr) bool {
	name, is := of.(*ast.Ident)
	if !is {
		return false
	}
	_, is = l.info.Uses[name].(*types.PkgName)
	return is
}

// implementations are all methods of that name in rooms other than the interface's own: it belongs to whoever calls it.
// Errors, whose interface is nobody's, take no locks.
func (l *locking) implementations(method *types.Func) (names []string) {
	for _, name := range l.methods[method.Name()] {
		if method.Pkg() != nil && !strings.HasPrefix(name, filepath.Base(method.Pkg().Path())+".") {
			names = append(names, name)
		}
	}
	return names
}

// lockOf is the lock of which a call is one of the methods.
func (l *locking) lockOf(made *ast.CallExpr, methods ...string) (string, bool) {
	method, is := made.Fun.(*ast.SelectorExpr)
	if !is || !slices.Contains(methods, method.Sel.Name) {
		return "", false
	}
	var last *ast.Ident
	switch of := method.X.(type) {
	case *ast.Ident:
		last = of
	case *ast.SelectorExpr:
		last = of.Sel
	default:
		return "", false
	}
	name, is := l.locks[l.info.Uses[last]]
	return name, is
}

// dynamic notes the call of a function that is a value, a parameter or a field.
func (l *locking) dynamic(in *function, made *ast.CallExpr, held []string) {
	var last *ast.Ident
	name := ""
	switch called := made.Fun.(type) {
	case *ast.Ident:
		last, name = called, in.name+" "+called.Name
	case *ast.SelectorExpr:
		last = called.Sel
		if selection := l.info.Selections[called]; selection != nil {
			kind := selection.Recv()
			if pointer, is := kind.(*types.Pointer); is {
				kind = pointer.Elem()
			}
			if named, is := kind.(*types.Named); is && named.Obj().Pkg() != nil {
				name = filepath.Base(named.Obj().Pkg().Path()) + "." + named.Obj().Name() + "." + last.Name
			}
		}
	}
	if last == nil {
		return
	}
	variable, is := l.info.Uses[last].(*types.Var)
	if !is {
		return
	}
	if _, is := variable.Type().Underlying().(*types.Signature); !is {
		return
	}
	if names, said := handed[name]; said {
		in.calls = append(in.calls, call{slices.Clone(held), names, made.Pos()})
	} else if len(held) > 0 {
		l.unknown[name] = l.set.Position(made.Pos()).String()
	}
}

// settle works out which locks each function takes, those of whatever it calls included.
func (l *locking) settle() {
	for changed := true; changed; {
		changed = false
		for _, f := range l.functions {
			for _, made := range f.calls {
				for _, name := range made.names {
					called, is := l.functions[name]
					if !is {
						continue
					}
					for lock := range called.takes {
						changed = changed || !f.takes[lock]
						f.takes[lock] = true
					}
				}
			}
		}
	}
}

// taken is every pair of a lock that is held and one that is taken then, and a place where it is.
func (l *locking) taken() map[[2]string]string {
	l.settle()
	pairs := map[[2]string]string{}
	note := func(held []string, lock string, where token.Pos) {
		for _, holds := range held {
			pairs[[2]string{holds, lock}] = l.set.Position(where).String()
		}
	}
	for _, f := range l.functions {
		for _, taken := range f.acquires {
			note(taken.held, taken.lock, taken.where)
		}
		for _, made := range f.calls {
			for _, name := range made.names {
				if called, is := l.functions[name]; is {
					for lock := range called.takes {
						note(made.held, lock, made.where)
					}
				}
			}
		}
	}
	return pairs
}
