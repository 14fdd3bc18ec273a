package meta

import (
	"go/ast"
	"go/types"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

// locks lists the locks of the product in their order. Code that holds a lock takes only locks
// further down. Each is a field that only its own package reaches, with a comment that says what it
// protects and which locks may be held when it is taken.
var locks = []string{
	"httpapi.readiness.mu",
	"session.alone.mu",
	"session.background.flushing",
	"session.roster.mu",
	"session.shard.mu",
	"session.shard.touchedMu",
	"live.Hub.mu",
	"token.shard.mu",
}

// TestLocksAreTakenInOneOrder reads each function as if every branch were taken, and looks into the
// functions of its package that it calls.
//
// ASVS 15.4.3
func TestLocksAreTakenInOneOrder(t *testing.T) {
	set, files := product(t)
	rooms := map[string][]*ast.File{}
	for path, file := range files {
		rooms[filepath.Dir(path)] = append(rooms[filepath.Dir(path)], file)
	}
	r, declared := lockReader{map[*ast.Ident]types.Object{}, map[types.Object]int{}, map[types.Object][]lockStep{}}, []string{}
	mentioned := 0
	for room, sources := range rooms {
		checker := types.Config{Error: func(error) {}} // what other packages declare is unknown
		_, _ = checker.Check(room, set, sources, &types.Info{Defs: r.objects, Uses: r.objects})
		for _, file := range sources {
			owner := ""
			ast.Inspect(file, func(node ast.Node) bool {
				switch node := node.(type) {
				case *ast.TypeSpec:
					owner = node.Name.Name
				case *ast.SelectorExpr:
					if kind := source(t, set, node); kind == "sync.Mutex" || kind == "sync.RWMutex" {
						mentioned++
					}
				case *ast.Field:
					if kind := source(t, set, node.Type); kind == "sync.Mutex" || kind == "sync.RWMutex" {
						lock := filepath.Base(room) + "." + owner + "." + node.Names[0].Name
						require.NotNil(t, node.Doc, "%s needs a comment", lock)
						declared, r.locks[r.objects[node.Names[0]]] = append(declared, lock), slices.Index(locks, lock)
					}
				}
				return true
			})
		}
	}
	require.ElementsMatch(t, locks, declared, "the locks of the list, and those of the source")
	require.Len(t, declared, mentioned, "a lock is a field")
	require.LessOrEqual(t, len(locks), 8)
	for _, file := range files {
		for _, d := range file.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && f.Body != nil {
				r.walk(r.objects[f.Name], f.Body, new([]int))
			}
		}
	}
	seen := 0
	for in, steps := range r.steps {
		for _, step := range steps {
			for _, taken := range append(r.steps[step.calls], step) {
				for _, held := range step.held {
					seen++
					if taken.calls == nil && held >= taken.takes {
						t.Errorf("%v takes %s while it holds %s", in, locks[taken.takes], locks[held])
					}
				}
			}
		}
	}
	require.Greater(t, seen, 40)
}

type lockReader struct {
	objects map[*ast.Ident]types.Object
	locks   map[types.Object]int
	steps   map[types.Object][]lockStep // by function
}

// lockStep takes a lock or calls a function, while it holds other locks.
type lockStep struct {
	held  []int
	takes int
	calls types.Object
}

// walk reads code in its order. A block returns what it takes, and a goroutine begins with nothing.
func (r lockReader) walk(in types.Object, node ast.Node, held *[]int) {
	ast.Inspect(node, func(inner ast.Node) bool {
		switch inner := inner.(type) {
		case *ast.BlockStmt:
			if inner != node {
				own := slices.Clone(*held)
				r.walk(in, inner, &own)
				return false
			}
		case *ast.GoStmt:
			r.walk(types.Universe.Lookup("nil"), inner.Call, new([]int))
			return false
		case *ast.DeferStmt:
			_, method := r.lockOf(inner.Call.Fun)
			return method == ""
		case *ast.SelectorExpr:
			switch lock, method := r.lockOf(inner); method {
			case "Lock", "RLock":
				r.steps[in] = append(r.steps[in], lockStep{held: slices.Clone(*held), takes: lock})
				*held = append(*held, lock)
			case "Unlock", "RUnlock":
				*held = slices.DeleteFunc(*held, func(other int) bool { return other == lock })
			}
		case *ast.Ident:
			if f, ok := r.objects[inner].(*types.Func); ok {
				r.steps[in] = append(r.steps[in], lockStep{held: slices.Clone(*held), calls: f})
			}
		}
		return true
	})
}

// lockOf returns the lock whose method an expression is, and the method.
func (r lockReader) lockOf(of ast.Expr) (lock int, method string) {
	f, ok := of.(*ast.SelectorExpr)
	if !ok {
		return 0, ""
	}
	last, _ := f.X.(*ast.Ident)
	if field, ok := f.X.(*ast.SelectorExpr); ok {
		last = field.Sel
	}
	lock, ok = r.locks[r.objects[last]]
	if !ok {
		return 0, ""
	}
	return lock, f.Sel.Name
}
