"""The lint of notices: what hides, bundles or presses is remarked on, and honest notices are not."""

import copy
from pathlib import Path
from typing import Any

import pytest

from countenance.errors import MalformedError
from countenance.law.strict_yaml import read_yaml
from countenance.sites.declaration import NoticeItems, Site
from countenance.sites.lint import Remark, refuse, remarks
from countenance.vocabulary import Language, NoticeItem, Variant

HOTEL = Path(__file__).resolve().parents[2] / "examples" / "hotel.yaml"
DECLARED = read_yaml(HOTEL.read_text("utf-8"), "the site file")


def site(**purpose: Any) -> dict[str, Any]:
    """Return the hotel as a document that may be changed."""
    document = copy.deepcopy(DECLARED)
    document["purposes"]["check-in"] |= purpose
    return document


def linted(document: dict[str, Any]) -> list[Remark]:
    return remarks(Site.model_validate(document))


def changed(language: str, item: str, text: str, variant: str = "standard", **purpose: Any) -> list[Remark]:
    """Return the remarks on the hotel's notice with one item changed."""
    document = site(**purpose)
    notice = document["purposes"]["check-in"]["notice"][language]
    (notice["plain"] if variant == "plain" else notice)[item] = text
    return linted(document)


def test_the_hotels_notice_has_no_remarks():
    assert linted(site()) == []


def test_the_items_are_those_of_the_closed_list():
    assert tuple(NoticeItems.model_fields) == tuple(item.value for item in NoticeItem)
    assert len(NoticeItem) == 13


@pytest.mark.parametrize("item", list(NoticeItem))
@pytest.mark.parametrize("language", list(Language))
@pytest.mark.parametrize("text", ["", "   "])
def test_each_item_has_to_be_there_in_each_language_and_text(item: NoticeItem, language: Language, text: str):
    for variant in ("standard", "plain"):
        (remark,) = changed(language, item, text, variant)
        assert (remark.item, remark.language) == (item, language)
        assert (remark.variant is Variant.PLAIN_LANGUAGE) == (variant == "plain")
        assert "missing" in remark.en


def test_a_language_left_out_wholly_is_missing_item_by_item():
    document = site()
    del document["purposes"]["check-in"]["notice"]["zh"]
    assert [(each.item, each.language) for each in linted(document)] == [(item, Language.ZH) for item in NoticeItem]


def test_plain_language_may_be_left_out():
    document = site()
    for language in Language:
        del document["purposes"]["check-in"]["notice"][language]["plain"]
    assert linted(document) == []


@pytest.mark.parametrize(
    ("language", "item", "text", "says"),
    [
        # Hidden.
        ("en", "rights", "https://hotel.example/privacy", "points elsewhere"),
        ("en", "rights", "See our website for details.", "points elsewhere"),
        ("en", "method", "Please refer to our Privacy Policy, where this is described.", "points elsewhere"),
        ("en", "storage", "Details are available at https://hotel.example/data", "points elsewhere"),
        ("en", "effect", "n/a", "says nothing"),
        ("en", "effect", "Not applicable.", "says nothing"),
        ("en", "effect", "As usual", "says nothing"),
        ("en", "effect", "Some.", "says nothing"),
        ("zh", "rights", "详见官网。", "points elsewhere"),
        ("zh", "rights", "请访问 https://hotel.example/zh 了解详情", "points elsewhere"),
        ("zh", "method", "请参阅本酒店隐私政策", "points elsewhere"),
        ("zh", "effect", "无", "says nothing"),
        ("zh", "effect", "如上。", "says nothing"),
        ("en", "effect", "To check you in, and nothing else!", "copy of `purpose`"),
        ("zh", "effect", "仅用于办理入住，不作他用", "copy of `purpose`"),
        ("en", "method", "A photograph is taken\u202e when you press start.", "nobody sees"),
        ("en", "method", "A photo\u200bgraph is taken when you press start.", "nobody sees"),
        ("en", "method", "A photograph is taken when you press start. " * 12, "too long"),
        ("zh", "method", "您按下开始后拍摄一张照片。" * 14, "too long"),
        ("zh", "method", "A photograph is taken when you press start.", "not in its language"),
        ("en", "method", "您按下开始后拍摄一张照片。", "not in its language"),
        ("en", "who", "-", "names nobody"),
        ("en", "who", "https://hotel.example", "names nobody"),
        # Contact and complaints.
        ("en", "contact", "The front desk", "no way to reach"),
        ("en", "contact", "https://hotel.example/contact", "no way to reach"),
        ("zh", "contact", "本酒店", "no way to reach"),
        ("en", "complaints", "The manager will be glad to hear from you.", "no way to reach"),
        ("zh", "complaints", "请向网信部门投诉", "no way to reach"),
        # Retention.
        ("en", "retention", "As long as it is necessary for the purpose.", "no period"),
        ("en", "retention", "Until it is no longer needed for our purposes.", "no period"),
        ("en", "retention", "For a reasonable time, as the law provides.", "no period"),
        ("en", "retention", "In accordance with applicable law.", "no period"),
        ("en", "retention", "Kept indefinitely, until you withdraw.", "no period"),
        ("zh", "retention", "在实现处理目的所必需的期限内保存。", "no period"),
        ("zh", "retention", "在最短必要时间内保存您的信息。", "no period"),
        ("zh", "retention", "永久保存您的人脸特征数值。", "no period"),
        ("en", "retention", "For 60 days after you agree.", "other days"),
        ("zh", "retention", "保存 60 天，到期删除。", "不一致"),
        # Purpose.
        ("en", "purpose", "To check you in and for other purposes.", "bundles"),
        ("en", "purpose", "Services including but not limited to check-in.", "bundles"),
        ("en", "purpose", "To check you in, to market our offers, etc.", "bundles"),
        ("en", "purpose", "To check you in and related services.", "bundles"),
        ("zh", "purpose", "用于办理入住等用途。", "bundles"),
        ("zh", "purpose", "包括但不限于办理入住。", "bundles"),
        ("zh", "purpose", "办理入住、门禁通行及其他合法用途。", "bundles"),
        ("zh", "purpose", "用于办理入住、营销推广等。", "bundles"),
        ("en", "data", "Your photograph, your booking number and other information.", "open end"),
        ("zh", "data", "照片、预订编号等信息", "open end"),
        # Withdrawal.
        ("en", "withdrawal", "You have this right under the law at all times.", "does not say how"),
        ("zh", "withdrawal", "您随时享有该项法定权利。", "does not say how"),
        ("en", "withdrawal", "Tell the desk and pay the handling fee of ten yuan.", "dearer"),
        ("en", "withdrawal", "Send us a notarised statement by registered letter.", "dearer"),
        ("zh", "withdrawal", "告知前台并缴纳手续费十元。", "dearer"),
        ("zh", "withdrawal", "请提交经公证的申请书。", "dearer"),
        # Alternatives.
        ("en", "alternatives", "There are other ways available on request.", "names no other way"),
        ("en", "alternatives", "There is no other way.", "names no other way"),
        ("en", "alternatives", "Please ask our staff.", "names no other way"),
        ("zh", "alternatives", "您可选择其他方式办理。", "names no other way"),
        ("zh", "alternatives", "本店仅支持刷脸入住。", "names no other way"),
        # Conditions.
        ("en", "necessity", "Guests must agree to the use of their face.", "condition"),
        ("en", "necessity", "If you do not agree, you cannot check in at this hotel.", "condition"),
        ("en", "effect", "Without your face we may not let you in; entry will be refused.", "condition"),
        ("en", "necessity", "Using your face is a condition of staying here.", "condition"),
        ("zh", "necessity", "您必须同意刷脸才可办理入住。", "condition"),
        ("zh", "necessity", "不同意的，将无法办理入住。", "condition"),
        ("zh", "effect", "如拒绝刷脸，本店不予提供服务。", "condition"),
    ],
)
def test_what_hides_or_presses_is_remarked_on(language: str, item: str, text: str, says: str):
    found = changed(language, item, text)
    assert [each for each in found if each.item == item and each.language == language], f"nothing on {text!r}"
    assert any(says in each.en or says in each.zh for each in found), [each.en for each in found]
    assert {(each.item, each.language) for each in found} == {(NoticeItem(item), Language(language))}
    assert all(each.en and each.zh for each in found)


@pytest.mark.parametrize(
    ("language", "item", "text"),
    [
        ("en", "who", "BMW"),
        ("zh", "who", "海港"),
        ("zh", "who", "FaceLens Co., Ltd."),
        ("en", "contact", "+86 21 5555 0199"),
        ("en", "contact", "Data officer, 12 Harbour Road, Shanghai"),
        ("zh", "contact", "上海市浦东新区海港路 12 号"),
        ("zh", "contact", "电话：021-55550199"),
        ("zh", "complaints", "拨打 12377 举报，或联系本酒店"),
        ("en", "purpose", "To open the door of your room. It serves no other purpose."),
        ("zh", "purpose", "仅用于开启您的房门，不用于其他目的。"),
        ("zh", "purpose", "用于办理入住，减少等候。"),
        ("en", "data", "Numbers computed from your face. We take no other information."),
        ("zh", "data", "由人脸计算的特征数值，不收集其他信息。"),
        ("en", "retention", "Until you check out."),
        ("en", "retention", "Thirty days, and never permanently."),
        ("en", "retention", "Nothing is kept: it is deleted at once."),
        ("zh", "retention", "离店后立即删除。"),
        ("zh", "retention", "保存三十天，不会长期保存。"),
        ("en", "withdrawal", "Tell the officer in charge. There is no fee, and you never pay anything."),
        ("en", "withdrawal", "Visit our website and press Withdraw."),
        ("zh", "withdrawal", "登录小程序点击“撤回同意”，免费办理。"),
        ("zh", "withdrawal", "在前台口头说明即可，不收取手续费。"),
        ("en", "alternatives", "Another way is a key card from the desk."),
        ("zh", "alternatives", "您可选择其他方式：前台办理房卡，或短信验证码。"),
        ("en", "necessity", "You do not have to agree: it is not a condition of your stay, and the desk serves you."),
        ("en", "effect", "If you decline, you will not wait longer and your price is the same."),
        ("zh", "necessity", "您不必同意刷脸，前台同样可以办理入住。"),
        ("zh", "effect", "不同意刷脸不会影响您的入住。"),
        ("en", "effect", "<script>alert(1)</script> is only text, and so is {{7*7}}."),
    ],
)
def test_an_honest_text_is_left_alone(language: str, item: str, text: str):
    assert [each.en for each in changed(language, item, text)] == []


def test_plain_language_has_short_sentences():
    long = (
        "When you press the start button the kiosk takes one photograph and computes numbers from it, which are then "
        "compared with those that were stored when you agreed to it."
    )
    assert changed("en", "method", long) == []
    (remark,) = changed("en", "method", long, "plain")
    assert (remark.item, remark.variant) == (NoticeItem.METHOD, Variant.PLAIN_LANGUAGE)
    assert remark.place == "purposes.check-in.notice.en.plain.method"
    many = "您按下开始按钮后自助机会拍摄一张照片并由此计算特征数值再与您同意时所保存的数值进行比对"
    (remark,) = changed("zh", "method", many, "plain")
    assert "拆成短句" in remark.zh


def test_what_a_law_orders_may_be_a_condition():
    basis = {"citation": "Act/12", "lifts": ["consent"], "approved_by": "Counsel", "expires_on": "2027-12-31"}
    text = "The act cited on the sign says that you must show your face here."
    assert changed("en", "necessity", text)
    assert changed("en", "necessity", text, statutory_basis=basis) == []
    assert changed("en", "necessity", text, statutory_basis=basis | {"lifts": ["storage"]})


def test_a_purpose_without_a_notice_has_no_remarks():
    assert linted(site(notice=None)) == []


def test_every_remark_is_named_when_publication_is_refused():
    document = site()
    document["purposes"]["check-in"]["notice"]["en"] |= {"retention": "forever", "alternatives": ""}
    document["purposes"]["check-in"]["notice"]["zh"]["rights"] = "详见官网"
    with pytest.raises(MalformedError) as raised:
        refuse(linted(document))
    for place in ("notice.en.retention", "notice.en.alternatives", "notice.zh.rights"):
        assert place in raised.value.en
        assert place in raised.value.zh
    refuse([])
