module weir/tests/clients/telegraf

go 1.19

require github.com/influxdata/telegraf v1.25.3
