// Package config declares every setting once: its name, default, meaning and
// unit. It reads them from the environment and a KEY=value file, secrets also
// from files, and says clearly what is wrong with a value.
package config
