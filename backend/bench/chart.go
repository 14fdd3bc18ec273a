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
)

// Colours that can be told apart by people who see fewer of them (Okabe and Ito).
var (
	oursColour   = color.RGBA{0x00, 0x72, 0xb2, 0xff}
	othersColour = color.RGBA{0xb4, 0xb4, 0xb4, 0xff}
	quiet        = color.Gray{0x60}
)

// draw draws the figures that are a share of what a bare handler answers, as SVG: Curfew's, and the references' under them.
func (r report) draw(w io.Writer) error {
	bars := r.bars()
	plot.DefaultFont.Variant = "Sans"
	p := plot.New()
	p.Title.Text = "Requests per second, as a share of what a bare Echo handler answers"
	p.Title.TextStyle.Font.Size, p.Title.Padding = vg.Points(13), vg.Points(10)
	p.X.Label.Text, p.X.Label.Padding = "medians of all rounds; the lines show the lowest and the highest", vg.Points(6)
	p.X.Label.TextStyle.Font.Size = vg.Points(10)
	p.X.Min, p.X.Max = 0, 1
	p.X.Tick.Marker = plot.ConstantTicks(share(0, 0.25, 0.5, 0.75, 1))
	p.Y.Width = 0
	grid := plotter.NewGrid()
	grid.Horizontal.Width = 0
	p.Add(grid)

	// The lowest bar is drawn first.
	slices.Reverse(bars)
	var labels []string
	spreads := struct {
		plotter.XYs
		plotter.XErrors
	}{}
	for i, bar := range bars {
		one, err := plotter.NewBarChart(plotter.Values{bar.Median}, vg.Points(15))
		if err != nil {
			return err
		}
		one.Horizontal, one.XMin, one.LineStyle.Width, one.Color = true, float64(i), 0, othersColour
		if bar.Ours {
			one.Color = oursColour
		}
		p.Add(one)
		labels = append(labels, bar.Bar)
		spreads.XYs = append(spreads.XYs, plotter.XY{X: bar.Median, Y: float64(i)})
		spreads.XErrors = append(spreads.XErrors, struct{ Low, High float64 }{bar.Low - bar.Median, bar.High - bar.Median})
		p.X.Max = max(p.X.Max, bar.High)
	}
	p.NominalY(labels...)
	p.Y.Padding = vg.Points(24) // for letters that are wider where it is looked at
	p.Y.Tick.Length, p.Y.Min, p.Y.Max = 0, -0.6, float64(len(bars))-0.4

	lines, err := plotter.NewXErrorBars(spreads)
	if err != nil {
		return err
	}
	lines.CapWidth = vg.Points(5)
	p.Add(lines)
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
	// Letters of the same widths, where there is no Liberation: labels stand where the library worked out that they fit.
	_, err = w.Write(bytes.ReplaceAll(drawn.Bytes(), []byte("Liberation Sans"), []byte("Liberation Sans, Arial, Helvetica, sans-serif")))
	return err
}

// bars are the figures to draw, Curfew's first.
func (r report) bars() []result {
	var ours, others []result
	for _, o := range r.Scenes {
		for _, f := range o.Figures {
			switch {
			case f.Bar == "":
			case f.Ours:
				ours = append(ours, f)
			default:
				others = append(others, f)
			}
		}
	}
	return slices.Concat(ours, others)
}

// addNumbers writes each bar's value to the right of all of them.
func addNumbers(p *plot.Plot, bars []result) error {
	var at plotter.XYLabels
	for i, bar := range bars {
		at.XYs = append(at.XYs, plotter.XY{X: p.X.Max + 0.02, Y: float64(i)})
		at.Labels = append(at.Labels, percent(bar.Median))
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

// share are ticks of an axis in percent.
func share(values ...float64) []plot.Tick {
	ticks := make([]plot.Tick, len(values))
	for i, value := range values {
		ticks[i] = plot.Tick{Value: value, Label: percent(value)}
	}
	return ticks
}

func percent(value float64) string { return fmt.Sprintf("%.0f %%", 100*value) }
