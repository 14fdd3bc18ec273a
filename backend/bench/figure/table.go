package figure

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
)

// Markdown returns the section as a heading and a table.
func (s Section) Markdown() string {
	var b strings.Builder
	fmt.Fprintf(&b, "**%s**\n\n", s.Heading())
	for i, cells := range s.table() {
		fmt.Fprintf(&b, "| %s |\n", strings.Join(cells, " | "))
		if i == 0 {
			fmt.Fprintf(&b, "|%s\n", strings.Repeat(" --- |", len(cells)))
		}
	}
	return b.String()
}

// Print writes the section for a terminal.
func (s Section) Print(w io.Writer) error {
	fmt.Fprintf(w, "\n%s\n", s.Heading())
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, cells := range s.table() {
		fmt.Fprintf(table, "  %s\n", strings.Join(cells, "\t"))
	}
	return table.Flush()
}

// table returns the rows of cells, the head first. Figures of several numbers of sessions have a
// row for each name and a column for each number.
func (s Section) table() [][]string {
	if sizes := s.sizes(); len(sizes) > 0 {
		return s.matrix(sizes)
	}
	rows := [][]string{{"", "measured", "spread", "target", ""}}
	for _, f := range s.Figures {
		spread := Short(f.Low) + "–" + Short(f.High)
		rows = append(rows, []string{f.Name, f.Value(), spread, f.Target(), f.Verdict()})
	}
	return rows
}

func (s Section) sizes() (sizes []int) {
	for _, f := range s.Figures {
		if f.Sessions > 0 && !slices.Contains(sizes, f.Sessions) {
			sizes = append(sizes, f.Sessions)
		}
	}
	slices.Sort(sizes)
	return sizes
}

func (s Section) matrix(sizes []int) [][]string {
	head := []string{"live sessions"}
	for _, size := range sizes {
		head = append(head, Grouped(size))
	}
	rows := [][]string{append(head, "target", "")}
	for len(s.Figures) > 0 {
		same := 1
		for same < len(s.Figures) && s.Figures[same].Name == s.Figures[0].Name {
			same++
		}
		rows = append(rows, matrixRow(sizes, s.Figures[:same]))
		s.Figures = s.Figures[same:]
	}
	return rows
}

// matrixRow returns the cells of figures of one name.
func matrixRow(sizes []int, figures []Figure) []string {
	cells := slices.Repeat([]string{""}, len(sizes)+3)
	cells[0] = figures[0].Name
	target, verdict := &cells[len(cells)-2], &cells[len(cells)-1]
	var targets, missed []string
	for _, f := range figures {
		cells[1+slices.Index(sizes, f.Sessions)] = f.Value()
		if f.Judged() {
			targets = append(targets, f.Target()+" at "+Grouped(f.Sessions))
			*verdict = "met"
		}
		if !f.Met() {
			missed = append(missed, Grouped(f.Sessions))
		}
	}
	*target = strings.Join(targets, ", ")
	if sameTarget(figures) {
		*target = figures[0].Target()
	}
	if len(missed) > 0 {
		*verdict = "not met at " + strings.Join(missed, ", ")
	}
	return cells
}

// sameTarget reports whether the figures are judged by one target at every size.
func sameTarget(figures []Figure) bool {
	return !slices.ContainsFunc(figures, func(f Figure) bool { return f.Target() != figures[0].Target() })
}
