// Nothing is built of it: it holds the definitions of ServiceMonitor, PodMonitor and PrometheusRule.
module flink-retention.dev/tests/tools/prometheus-operator

go 1.24.0

require github.com/prometheus-operator/prometheus-operator v0.85.0
