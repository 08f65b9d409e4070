# Effect modification of the curve by the twelve declared modifiers, a second time and by other hands.
#
#   Rscript modifiers_reference.R RAW_DIR OUT_DIR
#
# RAW_DIR as for supplements_reference.R; its derivations and those of causes_reference.R are used and added to, nothing of
# the Python code is. Writes modifiers_tests, modifiers_arms and modifiers_race. What rests on fewer than 10 people is left
# out. Made with R 4.2.2, survey 4.1.1, foreign 0.8.84.

script_folder <- function() {
  script <- sub("^--file=", "", grep("^--file=", commandArgs(FALSE), value = TRUE))
  if (length(script)) dirname(script) else "."
}
source(file.path(script_folder(), "causes_reference.R"))
source(file.path(script_folder(), "supplements_reference.R"))
SOURCES <- c(SOURCES, list(
  list(tables = c("LAB16", "L16_B", "L16_C"), take = list(urine_albumin = "URXUMA", urine_creatinine = "URXUCR"))))

ARMS <- c(100, 500)
EXPOSURES <- c("magnesium_mg", "magnesium_total_mg")

read_modified <- function(raw) {
  people <- read_people(raw)
  uses <- with_medians(do.call(rbind, lapply(CYCLES, read_uses, raw = raw, products = read_products(raw))))
  people <- add_causes(add_drugs(add_supplements(people, uses), raw), raw)
  people$albumin_ratio <- 100 * people$urine_albumin / people$urine_creatinine
  people$told <- ifelse(is_code(people$told_diabetes, 1), 1, ifelse(is_code(people$told_diabetes, 2:3), 0, NA))
  people
}

# Each modifier: membership of its levels (the first is the reference, missing where not known) and the terms it replaces.
yes_no <- function(x) list(no = x == 0, yes = x == 1)

modifiers_of <- function(people) with(people, {
  low_rate <- egfr_below_60 == 1
  albumin <- albumin_ratio >= 30
  race_terms <- grep("^race_ethnicity_", MODEL_1, value = TRUE)
  list(
    diabetes = list(yes_no(has_diabetes), "has_diabetes"),
    egfr_below_60 = list(yes_no(egfr_below_60), NULL),
    albuminuria = list(yes_no(albumin + 0), NULL),
    kidney_disease = list(list(no = !low_rate & !albumin, yes = low_rate | albumin), NULL),
    sex = list(list(male = sex == "male", female = sex == "female"), "sex_female"),
    age = list(list("40 to 59" = age_years < 60, "60 and older" = age_years >= 60), NULL),
    bmi = list(list("below 25" = bmi_kg_m2 < 25, "25 to below 30" = bmi_kg_m2 >= 25 & bmi_kg_m2 < 30,
                    "30 and more" = bmi_kg_m2 >= 30), NULL),
    race_ethnicity = list(list("non-Hispanic White" = race_code == 3, "non-Hispanic Black" = race_code == 4,
                               "Mexican American" = race_code == 1, other = race_code %in% c(2, 5)), race_terms),
    alcohol = list(list("never or former" = alcohol_moderate == 0 & alcohol_heavy == 0, moderate = alcohol_moderate == 1,
                        heavy = alcohol_heavy == 1), grep("^alcohol_", MODEL_2, value = TRUE)),
    diuretic = list(yes_no(diuretic), NULL),
    depletion = list(yes_no(high), NULL),
    told_diabetes = list(yes_no(told), "has_diabetes"))
})

# Everybody's spline about its reference, the levels, and their products.
pose_joint <- function(people, exposure, levels, covariates) {
  cohort <- in_cohort(people, "strict", CYCLES, "")
  x <- people[[exposure]]
  known <- cohort & !is.na(x)
  knots <- type_7(x[known], KNOT_PROBABILITIES[["4"]])
  reference <- type_7(x[known], 0.5)
  about <- function(x) sweep(spline_columns(x, knots, "x"), 2, spline_columns(reference, knots, "x"))
  member <- do.call(cbind, levels) + 0
  member[rowSums(is.na(member)) > 0 | rowSums(member) != 1, ] <- NA
  colnames(member) <- paste0("level_", seq_along(levels))
  basis <- about(x)
  products <- lapply(colnames(member)[-1], function(level) {
    columns <- basis * member[, level]
    colnames(columns) <- paste(level, colnames(basis), sep = "_")
    columns
  })
  columns <- cbind(basis, do.call(cbind, products), member, people[covariates])
  domain <- study_domain(people, study_weights(people, "dietary", CYCLES), "strict", columns, known)
  terms <- c(colnames(basis), unlist(lapply(products, colnames)), colnames(member)[-1], covariates)
  list(domain = domain, basis = colnames(basis), products = lapply(products, colnames), about = about,
       reference = reference, terms = terms)
}

test_row <- function(joint) {
  wald <- regTermTest(joint$fit, reformulate(unlist(joint$products)), method = "Wald")
  lrt <- regTermTest(joint$fit, reformulate(unlist(joint$products)), method = "LRT")
  data.frame(n = nrow(joint$domain), cases = sum(joint$fit$y), statistic = wald$Ftest[1, 1], df_num = wald$df,
             df_den = wald$ddf, p_value = wald$p[1, 1], rao_scott_p = as.numeric(lrt$p))
}

arm_rows <- function(joint, levels) {
  fit <- joint$fit
  do.call(rbind, lapply(seq_along(levels), function(k) {
    inside <- joint$domain$variables[[paste0("level_", k)]] == 1
    cases <- sum(joint$domain$variables$y[inside])
    if (min(sum(inside), cases) < FEWEST) return(NULL)
    contrast <- joint$about(ARMS)
    terms <- joint$basis
    if (k > 1) {
      terms <- c(terms, joint$products[[k - 1]])
      contrast <- cbind(contrast, contrast)
    }
    estimate <- drop(contrast %*% coef(fit)[terms])
    std_error <- sqrt(rowSums((contrast %*% vcov(fit)[terms, terms]) * contrast))
    half <- half_width(std_error, fit$df.residual)
    data.frame(level = names(levels)[k], n = sum(inside), cases, x = ARMS, reference = joint$reference, estimate,
               std_error, df = fit$df.residual, conf_low = exp(estimate - half), conf_high = exp(estimate + half))
  }))
}

answer <- function(people, exposure, model, name, modifier) {
  joint <- pose_joint(people, exposure, modifier[[1]], setdiff(COVARIATES[[model]], modifier[[2]]))
  joint$fit <- fit_domain(joint$domain, "y", joint$terms)
  label <- data.frame(exposure, model, modifier = name)
  list(tests = cbind(label, test_row(joint)), arms = cbind(label, arm_rows(joint, modifier[[1]])))
}

# Race with the covariate replaced, and with the five-level covariate kept beside the four levels, whose indicators are
# sums of it. glm() looks for collinear columns to a thousandth of its epsilon: at 1e-13 it can miss them, at R's own 1e-8
# it drops them.
race_rows <- function(people, modifier) {
  row <- function(covariate, fitted, epsilon) {
    gone <- if (covariate == "replaced") modifier[[2]]
    joint <- pose_joint(people, "magnesium_mg", modifier[[1]], setdiff(MODEL_1, gone))
    domain <- joint$domain
    fit <- fitted(domain, "y", joint$terms)
    stopifnot(fit$converged)
    wald <- regTermTest(fit, reformulate(unlist(joint$products)), method = "Wald")
    data.frame(covariate, epsilon, coefficients = length(joint$terms) + 1, rank = fit$rank,
               n = nrow(domain), statistic = wald$Ftest[1, 1], df_num = wald$df, df_den = wald$ddf,
               p_value = wald$p[1, 1])
  }
  as_r_has_it <- function(domain, response, terms) {
    svyglm(reformulate(terms, response), design = domain, family = quasibinomial())
  }
  rbind(row("replaced", fit_domain, CONVERGED$epsilon), row("beside", as_r_has_it, glm.control()$epsilon))
}

main_modifiers <- function(arguments) {
  if (length(arguments) != 2) stop("usage: Rscript modifiers_reference.R RAW_DIR OUT_DIR")
  people <- read_modified(arguments[1])
  modifiers <- modifiers_of(people)
  asked <- expand.grid(name = names(modifiers), model = c("1", "2"), exposure = EXPOSURES, stringsAsFactors = FALSE)
  results <- Map(function(exposure, model, name) answer(people, exposure, model, name, modifiers[[name]]),
                 asked$exposure, asked$model, asked$name)
  tests <- do.call(rbind, lapply(results, `[[`, "tests"))
  family <- paste(tests$exposure, tests$model)
  tests$holm_p <- ave(tests$p_value, family, FUN = function(p) p.adjust(p, "holm"))
  tests$bh_p <- ave(tests$p_value, family, FUN = function(p) p.adjust(p, "BH"))
  write_table(tests, arguments[2], "modifiers_tests")
  write_table(do.call(rbind, lapply(results, `[[`, "arms")), arguments[2], "modifiers_arms")
  write_table(race_rows(people, modifiers$race_ethnicity), arguments[2], "modifiers_race")
}

if (sys.nframe() == 0L) main_modifiers(commandArgs(TRUE))
