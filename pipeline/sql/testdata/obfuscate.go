// Writes obfuscated.json: what upstream's obfuscator (github.com/DataDog/datadog-agent/pkg/obfuscate, as postgresqlreceiver 0.157.0 requires it) makes of the
// texts of a JSON array on standard input, for both dialects. Run it in a module of that requirement: go run obfuscate.go < texts.json > obfuscated.json
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"github.com/DataDog/datadog-agent/pkg/obfuscate"
	"os"
)

type out struct {
	Dialect string `json:"dialect"`
	Text    string `json:"text"`
	Result  string `json:"result,omitempty"`
	Error   string `json:"error,omitempty"`
}

func main() {
	var in []string
	json.NewDecoder(bufio.NewReader(os.Stdin)).Decode(&in)
	res := []out{}
	for _, d := range []string{"postgresql", "mysql"} {
		for _, q := range in {
			cfg := obfuscate.SQLConfig{DBMS: d}
			if d == "postgresql" {
				cfg.KeepSQLAlias = true
				cfg.KeepBoolean = true
				cfg.KeepNull = true
			}
			o := obfuscate.NewObfuscator(obfuscate.Config{SQL: cfg})
			r, err := o.ObfuscateSQLString(q)
			if err != nil {
				res = append(res, out{d, q, "", err.Error()})
			} else {
				res = append(res, out{d, q, r.Query, ""})
			}
		}
	}
	e := json.NewEncoder(os.Stdout)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	e.Encode(res)
	fmt.Fprintln(os.Stderr, len(res))
}
