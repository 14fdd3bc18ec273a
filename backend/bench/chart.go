package main

import (
	"bytes"
	"fmt"
	"image/color"
	"io"
	"slices"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"

	"curfew/backend/bench/figure"
)

// Colours that people with colour blindness can tell apart (Okabe and Ito).
var (
	curfewColour = color.RGBA{0x00, 0x72, 0xb2, 0xff}
	othersColour = color.RGBA{0xb4, 0xb4, 0xb4, 0xff}
	quiet        = color.Gray{0x60}
)

// bar is a bar of the chart.
type bar struct {
	name   string
	colour color.Color
	figure.Spread
}

// bars returns the rates as shares of the bare handler's, from the top: Curfew's, and the
// references'.
func (r report) bars() (bars []bar) {
	for i, name := range []string{"Curfew, 32 connections", "Curfew, 128 connections"} {
		if f := find(r.section(scenes[i].title), rateToBare, 0); f.Name != "" {
			bars = append(bars, bar{name, curfewColour, f.Spread})
		}
	}
	for _, name := range []string{jwtHS256, gormSQLite, scsSQLite} {
		if f := find(r.section(scenes[0].title), name, 0); f.Name != "" {
			bars = append(bars, bar{name, othersColour, f.Spread})
		}
	}
	return bars
}

// drawChart draws the chart as SVG.
func drawChart(w io.Writer, bars []bar) error {
	p := newPlot()
	slices.Reverse(bars) // the lowest bar is drawn first
	if err := addBars(p, bars); err != nil {
		return err
	}
	whole, err := plotter.NewLine(plotter.XYs{{X: 1, Y: p.Y.Min}, {X: 1, Y: p.Y.Max}})
	if err != nil {
		return err
	}
	whole.Color, whole.Dashes = quiet, []vg.Length{vg.Points(4), vg.Points(3)}
	p.Add(whole)
	if err := addNumbers(p, bars); err != nil {
		return err
	}
	image := vgsvg.New(22*vg.Centimeter, vg.Points(80+24*float64(len(bars))))
	p.Draw(draw.Crop(draw.New(image), vg.Points(8), -vg.Points(8), vg.Points(8), -vg.Points(8)))
	var drawn bytes.Buffer
	if _, err := image.WriteTo(&drawn); err != nil {
		return err
	}
	// Fonts of the same widths, where there is no Liberation: the library has placed the labels by
	// them.
	fonts := []byte("Liberation Sans, Arial, Helvetica, sans-serif")
	_, err = w.Write(bytes.ReplaceAll(drawn.Bytes(), []byte("Liberation Sans"), fonts))
	return err
}

func newPlot() *plot.Plot {
	plot.DefaultFont.Variant = "Sans"
	p := plot.New()
	p.Title.Text = "Requests per second, as a share of what a bare Echo handler answers"
	p.Title.TextStyle.Font.Size, p.Title.Padding = vg.Points(13), vg.Points(10)
	p.X.Label.Text, p.X.Label.Padding = "medians of all rounds; the lines show the lowest and the highest", vg.Points(6)
	p.X.Label.TextStyle.Font.Size = vg.Points(10)
	p.X.Min, p.X.Max = 0, 1
	var ticks []plot.Tick
	for _, value := range []float64{0, 0.25, 0.5, 0.75, 1} {
		ticks = append(ticks, plot.Tick{Value: value, Label: percent(value)})
	}
	p.X.Tick.Marker = plot.ConstantTicks(ticks)
	p.Y.Width = 0
	grid := plotter.NewGrid()
	grid.Horizontal.Width = 0
	p.Add(grid)
	return p
}

// spreads are the lines that show how far the rounds were apart.
type spreads struct {
	plotter.XYs
	plotter.XErrors
}

func addBars(p *plot.Plot, bars []bar) error {
	var names []string
	var all spreads
	for i, b := range bars {
		one, err := plotter.NewBarChart(plotter.Values{b.Median}, vg.Points(15))
		if err != nil {
			return err
		}
		one.Horizontal, one.XMin, one.LineStyle.Width, one.Color = true, float64(i), 0, b.colour
		p.Add(one)
		names = append(names, b.name)
		all.XYs = append(all.XYs, plotter.XY{X: b.Median, Y: float64(i)})
		all.XErrors = append(all.XErrors, struct{ Low, High float64 }{b.Low - b.Median, b.High - b.Median})
		p.X.Max = max(p.X.Max, b.High)
	}
	p.NominalY(names...)
	p.Y.Padding = vg.Points(24) // for fonts that are wider in the browser
	p.Y.Tick.Length, p.Y.Min, p.Y.Max = 0, -0.6, float64(len(bars))-0.4
	lines, err := plotter.NewXErrorBars(all)
	if err != nil {
		return err
	}
	lines.CapWidth = vg.Points(5)
	p.Add(lines)
	return nil
}

// addNumbers writes each bar's value to the right of all of them.
func addNumbers(p *plot.Plot, bars []bar) error {
	var at plotter.XYLabels
	for i, b := range bars {
		at.XYs = append(at.XYs, plotter.XY{X: p.X.Max + 0.02, Y: float64(i)})
		at.Labels = append(at.Labels, percent(b.Median))
	}
	p.X.Max += 0.1
	numbers, err := plotter.NewLabels(at)
	if err != nil {
		return err
	}
	for i := range numbers.TextStyle {
		numbers.TextStyle[i].Font = p.X.Tick.Label.Font
		numbers.TextStyle[i].YAlign = text.YCenter
	}
	p.Add(numbers)
	return nil
}

func percent(value float64) string { return fmt.Sprintf("%.0f %%", 100*value) }
