package scale

import (
	"fmt"
	"image/color"
	"io"
	"math"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"
)

// panels are the chart's two halves: what has to be flat, and what may grow.
var panels = []struct {
	title string
	names []string
}{
	{"One durable change", []string{revokeAll, revokeMember, revokeOne, savePolicy, signIn}},
	{"Looks at all sessions, and work behind the requests", []string{programStart, firstList, preview, firstPage, flush, sweepRevoked, sweepExpired}},
}

// colours can be told apart by people who see fewer of them (Okabe and Ito).
var colours = []color.RGBA{
	{0xd5, 0x5e, 0x00, 0xff}, {0x00, 0x72, 0xb2, 0xff}, {0x00, 0x9e, 0x73, 0xff}, {0xcc, 0x79, 0xa7, 0xff}, {0xe6, 0x9f, 0x00, 0xff}, {0x56, 0xb4, 0xe9, 0xff},
	{0x00, 0x00, 0x00, 0xff},
}

// WriteChart draws what things cost against the number of sessions, as SVG. Both axes are logarithmic.
func (r Result) WriteChart(w io.Writer) error {
	var row []*plot.Plot
	least, most := math.Inf(1), math.Inf(-1)
	for _, p := range panels {
		panel, err := r.panel(p.title, p.names)
		if err != nil {
			return fmt.Errorf("draw %q: %w", p.title, err)
		}
		row = append(row, panel)
		least, most = min(least, panel.Y.Min), max(most, panel.Y.Max)
	}
	for _, panel := range row {
		panel.Y.Min = math.Pow(10, math.Floor(math.Log10(least)))
		panel.Y.Max = math.Pow(10, 1+math.Ceil(math.Log10(most))) // the legend stands above all lines
	}
	image := vgsvg.New(30*vg.Centimeter, 13*vg.Centimeter)
	tiles := draw.Tiles{Rows: 1, Cols: len(row), PadX: vg.Centimeter, PadTop: vg.Millimeter, PadBottom: vg.Millimeter, PadRight: 8 * vg.Millimeter}
	for i, canvas := range plot.Align([][]*plot.Plot{row}, tiles, draw.New(image))[0] {
		row[i].Draw(canvas)
	}
	_, err := image.WriteTo(w)
	return err
}

func (r Result) panel(title string, names []string) (*plot.Plot, error) {
	p := plot.New()
	p.Title.Text, p.X.Label.Text, p.Y.Label.Text = title, "live sessions", "milliseconds"
	p.X.Scale, p.Y.Scale = plot.LogScale{}, plot.LogScale{}
	p.Y.Tick.Marker = plot.LogTicks{Prec: -1}
	var ticks plot.ConstantTicks
	for _, size := range r.Sizes {
		ticks = append(ticks, plot.Tick{Value: float64(size), Label: grouped(size)})
	}
	p.X.Tick.Marker = ticks
	p.X.Padding, p.Y.Padding = vg.Millimeter, vg.Millimeter
	p.Legend.Top, p.Legend.Left, p.Legend.Padding = true, true, vg.Millimeter
	p.Add(plotter.NewGrid())
	for i, name := range names {
		var points plotter.XYs
		for _, size := range r.Sizes {
			if at, measured := r.cost(name, size); measured {
				points = append(points, plotter.XY{X: float64(size), Y: at.Cost.Median})
			}
		}
		line, dots, err := plotter.NewLinePoints(points)
		if err != nil {
			return nil, err
		}
		line.Width, line.Color = vg.Points(1.5), colours[i]
		dots.Shape, dots.Color = draw.CircleGlyph{}, colours[i]
		p.Add(line, dots)
		p.Legend.Add(name, line, dots)
	}
	commit := plotter.NewFunction(func(float64) float64 { return r.BareCommit.Median })
	commit.Dashes, commit.Color = []vg.Length{vg.Points(4), vg.Points(3)}, color.Gray{0x60}
	p.Add(commit)
	p.Legend.Add(bareCommit, commit)
	return p, nil
}
