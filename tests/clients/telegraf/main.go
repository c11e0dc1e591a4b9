// Telegraf's own outputs, influxdb (1) and influxdb_v2, as the agent runs them: what a Write() gives an error for
// is kept and written again.  Says what checks.js says.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/influxdata/telegraf"
	"github.com/influxdata/telegraf/metric"
	"github.com/influxdata/telegraf/plugins/outputs"
	"github.com/influxdata/telegraf/plugins/outputs/influxdb"
	"github.com/influxdata/telegraf/plugins/outputs/influxdb_v2"
)

type point struct {
	Tags   map[string]string
	Fields struct {
		F    float64
		I, U string
		B    bool
		S    string
	}
	Ns string
}

var task struct {
	URL, Writer, Slow, Small, Reader, Measurement, Output string
	Points                                                []point
	SlowPoints                                            int `json:"slow_points"`
	SmallPoints                                           int `json:"small_points"`
}

// What the output logs: it drops batches with nothing but a line of it.
type logger struct {
	lock sync.Mutex
	text strings.Builder
}

func (l *logger) put(text string) {
	l.lock.Lock()
	defer l.lock.Unlock()
	l.text.WriteString(text + "\n")
}
func (l *logger) String() string {
	l.lock.Lock()
	defer l.lock.Unlock()
	return l.text.String()
}
func (l *logger) Errorf(format string, args ...interface{}) { l.put(fmt.Sprintf(format, args...)) }
func (l *logger) Error(args ...interface{})                 { l.put(fmt.Sprint(args...)) }
func (l *logger) Warnf(format string, args ...interface{})  { l.put(fmt.Sprintf(format, args...)) }
func (l *logger) Warn(args ...interface{})                  { l.put(fmt.Sprint(args...)) }
func (l *logger) Infof(format string, args ...interface{})  {}
func (l *logger) Info(args ...interface{})                  {}
func (l *logger) Debugf(format string, args ...interface{}) {}
func (l *logger) Debug(args ...interface{})                 {}

func connect(token string) (telegraf.Output, *logger, error) {
	log := &logger{}
	output := outputs.Outputs[task.Output]()
	switch plugin := output.(type) {
	case *influxdb.InfluxDB:
		plugin.URLs, plugin.Database, plugin.Username, plugin.Password = []string{task.URL}, "any", "any", token
		plugin.InfluxUintSupport, plugin.Log = true, log
	case *influxdb_v2.InfluxDB:
		plugin.URLs, plugin.Organization, plugin.Bucket, plugin.Token = []string{task.URL}, "any", "any", token
		plugin.UintSupport, plugin.Log = true, log
	}
	return output, log, output.Connect()
}

func numbered(name string, count int) []telegraf.Metric {
	metrics := make([]telegraf.Metric, count)
	for n := range metrics {
		metrics[n] = metric.New(name, nil, map[string]interface{}{"n": int64(n)}, time.Unix(0, int64(n)))
	}
	return metrics
}

func given() ([]telegraf.Metric, error) {
	var metrics []telegraf.Metric
	for _, p := range task.Points {
		i, err := strconv.ParseInt(p.Fields.I, 10, 64)
		if err != nil {
			return nil, err
		}
		u, err := strconv.ParseUint(p.Fields.U, 10, 64)
		if err != nil {
			return nil, err
		}
		ns, err := strconv.ParseInt(p.Ns, 10, 64)
		if err != nil {
			return nil, err
		}
		fields := map[string]interface{}{"f": p.Fields.F, "i": i, "u": u, "b": p.Fields.B, "s": p.Fields.S}
		metrics = append(metrics, metric.New(task.Measurement+"-ns", p.Tags, fields, time.Unix(0, ns)))
	}
	return metrics, nil
}

func writePoints() error {
	output, log, err := connect(task.Writer)
	if err != nil {
		return err
	}
	metrics, err := given()
	for at := 0; err == nil && at < len(metrics); at += 100 {
		err = output.Write(metrics[at : at+100])
	}
	if err == nil && log.String() != "" {
		err = fmt.Errorf("it logged %s", log)
	}
	return err
}

func waitFor503() error {
	output, log, err := connect(task.Slow)
	if err != nil {
		return err
	}
	metrics, waits := numbered("slow", task.SlowPoints), 0
	for begun := time.Now(); len(metrics) > 0 && time.Since(begun) < time.Minute; {
		if err = output.Write(metrics[:500]); err == nil {
			metrics = metrics[500:]
			continue
		}
		waits++
		time.Sleep(200 * time.Millisecond)
	}
	if len(metrics) > 0 || waits == 0 || strings.Contains(log.String(), "dropped") {
		return fmt.Errorf("%d metrics are left after %d waits, the last for %v; it logged %s", len(metrics), waits, err, log)
	}
	return nil
}

// The output of InfluxDB 2 halves what is 413, in this version once a write; that of 1 drops it.
func halve() error {
	output, log, err := connect(task.Small)
	if err != nil {
		return err
	}
	if err = output.Write(numbered("small", task.SmallPoints)); err != nil {
		return fmt.Errorf("%v; it logged %s", err, log)
	}
	return nil
}

func refuse() error {
	output, log, err := connect(task.Writer)
	if err != nil {
		return err
	}
	name := "kinds " + task.Output
	for _, value := range []interface{}{1.5, "text"} {
		fields := map[string]interface{}{"f": value}
		if err = output.Write([]telegraf.Metric{metric.New(name, nil, fields, time.Unix(0, 1))}); err != nil {
			return err // it would be sent for ever
		}
	}
	if !strings.Contains(log.String(), `partial write: line 1: field "f" of measurement`) {
		return fmt.Errorf("it logged %q", log)
	}
	return nil
}

func strangers() error {
	for token, word := range map[string]string{"wrong": "401", task.Reader: "403"} {
		output, log, err := connect(token)
		if err != nil {
			return err
		}
		err = output.Write(numbered("kept", 1))
		// The output of InfluxDB 1 drops it and logs why; that of 2 keeps it.
		if (err == nil) == (task.Output == "influxdb_v2") || !strings.Contains(fmt.Sprint(err)+log.String(), word) {
			return fmt.Errorf("wanted %s, got %v; it logged %s", word, err, log)
		}
	}
	return nil
}

func main() {
	text, err := os.ReadFile(os.Args[1])
	if err == nil {
		err = json.Unmarshal(text, &task)
	}
	if err != nil {
		fmt.Println("FAILED to read the task:", err)
		return
	}
	checks := []struct {
		name string
		run  func() error
	}{
		{"writes points, in gzip", writePoints},
		{"503 with Retry-After keeps the batch, which is then delivered", waitFor503},
		{"a bad point is dropped with its reason in the log", refuse},
		{"a wrong token is 401, one without the scope 403", strangers},
	}
	if task.Output == "influxdb_v2" {
		checks = append(checks, struct {
			name string
			run  func() error
		}{"413 makes it halve the batch to fit", halve})
	}
	for _, check := range checks {
		if err := check.run(); err != nil {
			fmt.Printf("FAILED %s: %s\n", check.name, strings.ReplaceAll(err.Error(), "\n", " | "))
		} else {
			fmt.Println("ok", check.name)
		}
	}
}
