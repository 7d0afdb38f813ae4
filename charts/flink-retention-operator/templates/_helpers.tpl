{{- define "flink-retention.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
{{- end }}

{{- define "flink-retention.fullname" -}}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 63 | trimSuffix "-" }}
{{- else }}
{{- $name := include "flink-retention.name" . }}
{{- if contains $name .Release.Name }}
{{- .Release.Name | trunc 63 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name $name | trunc 63 | trimSuffix "-" }}
{{- end }}
{{- end }}
{{- end }}

{{- define "flink-retention.selectorLabels" -}}
app.kubernetes.io/name: {{ include "flink-retention.name" . | quote }}
app.kubernetes.io/instance: {{ .Release.Name | quote }}
{{- end }}

{{- define "flink-retention.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{ include "flink-retention.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/component: operator
app.kubernetes.io/part-of: flink-retention
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end }}

{{- define "flink-retention.serviceAccountName" -}}
{{- if .Values.serviceAccount.create }}
{{- default (include "flink-retention.fullname" .) .Values.serviceAccount.name }}
{{- else }}
{{- default "default" .Values.serviceAccount.name }}
{{- end }}
{{- end }}

{{- define "flink-retention.image" -}}
{{- if .Values.image.digest }}
{{- printf "%s@%s" .Values.image.repository .Values.image.digest }}
{{- else }}
{{- printf "%s:%s" .Values.image.repository (default .Chart.AppVersion .Values.image.tag) }}
{{- end }}
{{- end }}

{{/*
The name of a role outside the release namespace: two releases must not share it, so nothing is cut off, and the colon
(which no name of a namespace has) tells where one name ends.
*/}}
{{- define "flink-retention.clusterName" -}}
{{- printf "%s:%s" .Release.Namespace (include "flink-retention.fullname" .) }}
{{- end }}

{{/* Of what is named by a domain, where a colon is not allowed. No name of a release has a dot, so it is clear as well. */}}
{{- define "flink-retention.approvalPolicyName" -}}
{{- printf "approval.%s.%s.flink-retention.dev" (include "flink-retention.fullname" .) .Release.Namespace }}
{{- end }}

{{/* The name of a Service has at most 63 characters. */}}
{{- define "flink-retention.serviceName" -}}
{{- printf "%s-metrics" (include "flink-retention.fullname" . | trunc 55 | trimSuffix "-") }}
{{- end }}

{{/*
What the operator may do in the namespaces that it looks at. Reading Flink's kinds, never writing them; nothing on
Secrets; a policy belongs to people, so only its status is written.
*/}}
{{- define "flink-retention.rules" -}}
- apiGroups: [flink.apache.org]
  resources: [flinkdeployments, flinksessionjobs]
  verbs: [list, watch]
- apiGroups: [flink.apache.org]
  resources: [flinkstatesnapshots, flinkbluegreendeployments]
  verbs: [list]
- apiGroups: [flink-retention.dev]
  resources: [retentionpolicies]
  verbs: [get, list, watch]
- apiGroups: [flink-retention.dev]
  resources: [retentionpolicies/status, retentionruns/status, checkpointinventories/status]
  verbs: [patch]
# Scheduled runs are created, and deleted by history.
- apiGroups: [flink-retention.dev]
  resources: [retentionruns]
  verbs: [get, list, watch, create, delete]
# The record of lineages; never deleted.
- apiGroups: [flink-retention.dev]
  resources: [checkpointinventories]
  verbs: [list, watch, create, patch]
# Proof that a job is not running.
- apiGroups: [apps]
  resources: [deployments]
  verbs: [list]
- apiGroups: [""]
  resources: [pods]
  verbs: [list]
# Flink's high-availability maps, which are found by the pattern of their names, and its deployed configuration.
- apiGroups: [""]
  resources: [configmaps]
  verbs: [get, list]
- apiGroups: [events.k8s.io]
  resources: [events]
  verbs: [create, patch]
{{- end }}

{{/*
How the series of this release's pods are told from those of others, by the labels that the Prometheus Operator gives to
what it scrapes. Nothing where something else scrapes.
*/}}
{{- define "flink-retention.target" -}}
{{- if .Values.prometheusRule.target }}
{{- .Values.prometheusRule.target }}
{{- else if .Values.serviceMonitor.enabled }}
{{- printf "job=%q, namespace=%q" (include "flink-retention.serviceName" .) .Release.Namespace }}
{{- else if .Values.podMonitor.enabled }}
{{- printf "job=%q, namespace=%q" (printf "%s/%s" .Release.Namespace (include "flink-retention.fullname" .)) .Release.Namespace }}
{{- end }}
{{- end }}
