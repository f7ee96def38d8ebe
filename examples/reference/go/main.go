// Signs which user of yours a page is about, on your server. The page passes the result to Flow as `user.signature`.
//
//	REFERENCE_SECRET=... go run main.go CUSTOMER_REFERENCE
//
// Sign for the user who is signed in, and for nobody else: one signature is good for this reference alone, and for good.
package main

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"log"
	"os"
	"regexp"
	"unicode/utf8"
)

var (
	unfit = regexp.MustCompile(`[\x00-\x1f\x7f-\x{9f}\x{2028}\x{2029}]`)
	shape = regexp.MustCompile(`^[!-~]{32,128}$`)
)

// SignReference takes the reference exactly as the page passes it, unique and for good; at most 255 bytes. The key is the secret's
// text as it was shown, with all that it begins with.
func SignReference(secret, customerReference string) (string, error) {
	if !shape.MatchString(secret) {
		return "", errors.New("that is not the secret")
	}
	length := len(customerReference)
	// A line break in it could make the signature one of an API request.
	if length < 1 || length > 255 || !utf8.ValidString(customerReference) || unfit.MatchString(customerReference) {
		return "", errors.New("that is no customer reference")
	}
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(customerReference))
	return base64.StdEncoding.EncodeToString(mac.Sum(nil)), nil
}

func main() {
	log.SetFlags(0)
	if len(os.Args) != 2 {
		log.Fatal("usage: sign CUSTOMER_REFERENCE")
	}
	signature, err := SignReference(os.Getenv("REFERENCE_SECRET"), os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(signature)
}
