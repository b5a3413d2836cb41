package handlers

import "strings"

// normalize folds width, case, script and invisible characters. It stands in
// for package knowledge's Normalize.
func normalize(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= 0xff01 && r <= 0xff5e:
			r -= 0xfee0
		case r == 0x3000:
			return ' '
		case r >= 0x200b && r <= 0x200f, r == 0x2060, r == 0xfeff, r == 0xad, r == 0xfffd, r >= 0xfe00 && r <= 0xfe0f:
			return -1
		}
		if r >= 'A' && r <= 'Z' {
			return r + 32
		}
		if i := strings.IndexRune(traditional, r); i >= 0 {
			n := len([]rune(traditional[:i]))
			return []rune(simplified)[n]
		}
		return r
	}, s)
}

const (
	traditional = "夠這個沒會過來時們說話錢還開門請問離婚證據樓買殺著樂藥農遺書寫轉帳賬賣醫師爺媽媳婦兒孫給債執調訴訟勞動資護維權險產偽寶機號碼聯繫讓騙銀戶頭"
	simplified  = "够这个没会过来时们说话钱还开门请问离婚证据楼买杀着乐药农遗书写转帐账卖医师爷妈媳妇儿孙给债执调诉讼劳动资护维权险产伪宝机号码联系让骗银户头"
)
