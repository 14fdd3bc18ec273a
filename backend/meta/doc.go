// Package meta tests the documents and the structure of this repository. It holds no product code.
package meta
