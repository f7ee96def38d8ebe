// Signs who the user of a page is, on your server. The page passes the result to accredit.init as `signature`.
//
//	IDENTITY_SECRET=... go run main.go CP_ID CP_DEPLOYMENT_ID [EMAIL]
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
	"time"
)

// SignIdentity takes the e-mail exactly as the page passes it in customerInfo; empty for an anonymous user.
func SignIdentity(secret, cpID, cpDeploymentID, email string) (string, error) {
	key, err := base64.StdEncoding.Strict().DecodeString(secret)
	if err != nil || len(key) < 16 {
		return "", errors.New("that is not the secret")
	}
	random := make([]byte, 16)
	if _, err := rand.Read(random); err != nil {
		return "", err
	}
	timestamp, nonce := time.Now().Unix(), hex.EncodeToString(random)
	mac := hmac.New(sha256.New, key)
	fmt.Fprintf(mac, "%d:%s:%s:%s:%s", timestamp, cpID, cpDeploymentID, email, nonce)
	return fmt.Sprintf("%d:%s:%s", timestamp, base64.StdEncoding.EncodeToString(mac.Sum(nil)), nonce), nil
}

func main() {
	log.SetFlags(0)
	if len(os.Args) < 3 || len(os.Args) > 4 {
		log.Fatal("usage: sign CP_ID CP_DEPLOYMENT_ID [EMAIL]")
	}
	email := ""
	if len(os.Args) > 3 {
		email = os.Args[3]
	}
	signature, err := SignIdentity(os.Getenv("IDENTITY_SECRET"), os.Args[1], os.Args[2], email)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(signature)
}
