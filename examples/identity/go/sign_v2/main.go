// Signs all that a page passes of its user, on your server. The page passes the result to accredit.init as `signature`.
//
//	IDENTITY_SECRET=... IDENTITY_KEY_ID=... go run main.go CP_ID CP_DEPLOYMENT_ID ORIGIN [NAME=VALUE]...
//
// Sign anew for each page view: a signature is good once, for a minute.
package main

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"log"
	"os"
	"sort"
	"strconv"
	"strings"
	"time"
)

// Signer holds a secret and its key id, as they were shown when the secret was made.
type Signer struct {
	key   []byte
	keyID string
}

// NewSigner decodes the secret.
func NewSigner(secret, keyID string) (*Signer, error) {
	key, err := base64.StdEncoding.Strict().DecodeString(secret)
	if err != nil || len(key) < 16 {
		return nil, errors.New("that is not the secret")
	}
	return &Signer{key, keyID}, nil
}

// Sign takes all of customerInfo as fields, and page and locale if the page passes them; the page's origin is empty for any.
func (s *Signer) Sign(cpID, cpDeploymentID string, fields map[string]string, origin string) (string, error) {
	random := make([]byte, 16)
	if _, err := rand.Read(random); err != nil {
		return "", err
	}
	timestamp, nonce := strconv.FormatInt(time.Now().Unix(), 10), hex.EncodeToString(random)
	digest := sha256.Sum256([]byte(canonical(fields)))
	parts := []string{"accredit-identity-v2", s.keyID, timestamp, nonce, cpID, cpDeploymentID, fields["email"]}
	parts = append(parts, hex.EncodeToString(digest[:]), origin)
	for i, part := range parts {
		parts[i] = quote(part)
	}
	mac := hmac.New(sha256.New, s.key)
	mac.Write([]byte("[" + strings.Join(parts, ",") + "]"))
	return strings.Join([]string{"v2", s.keyID, timestamp, nonce, base64.RawURLEncoding.EncodeToString(mac.Sum(nil))}, "."), nil
}

// canonical is RFC 8785: sorted by name. Browsers post the line ends of a form as CR LF; what is empty counts as absent.
func canonical(fields map[string]string) string {
	var members []string
	for name, value := range fields {
		if value != "" {
			members = append(members, quote(name)+":"+quote(lineEnds.Replace(value)))
		}
	}
	sort.Strings(members)
	return "{" + strings.Join(members, ",") + "}"
}

var lineEnds = strings.NewReplacer("\r\n", "\n", "\r", "\n")

// quote is RFC 8785 section 3.2.2.2; encoding/json escapes more than that.
func quote(text string) string {
	short := map[rune]string{'"': `\"`, '\\': `\\`, '\b': `\b`, '\t': `\t`, '\n': `\n`, '\f': `\f`, '\r': `\r`}
	var json strings.Builder
	for _, character := range text {
		if escaped, ok := short[character]; ok {
			json.WriteString(escaped)
		} else if character < ' ' {
			fmt.Fprintf(&json, `\u%04x`, character)
		} else {
			json.WriteRune(character)
		}
	}
	return `"` + json.String() + `"`
}

func main() {
	log.SetFlags(0)
	if len(os.Args) < 4 {
		log.Fatal("usage: sign_v2 CP_ID CP_DEPLOYMENT_ID ORIGIN [NAME=VALUE]...")
	}
	fields := map[string]string{}
	for _, pair := range os.Args[4:] {
		name, value, _ := strings.Cut(pair, "=")
		fields[name] = value
	}
	signer, err := NewSigner(os.Getenv("IDENTITY_SECRET"), os.Getenv("IDENTITY_KEY_ID"))
	if err != nil {
		log.Fatal(err)
	}
	signature, err := signer.Sign(os.Args[1], os.Args[2], fields, os.Args[3])
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(signature)
}
