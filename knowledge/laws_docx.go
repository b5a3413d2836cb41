package knowledge

import "errors"

func parseDocx(name string, data []byte, reg *Registry) (*lawText, error) {
	return nil, errors.New("还不支持")
}
